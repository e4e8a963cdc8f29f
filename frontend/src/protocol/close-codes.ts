// Close codes of the WebSocket: some are final; after any other the client reconnects.

/** Why no more events arrive. `sentence` is for the person; null if the debate is complete. */
export type Ending = { readonly sentence: string | null; readonly signIn: boolean };

/** The debate has ended, and all of it has arrived. */
export const OVER: Ending = { sentence: null, signIn: false };

/** Codes after which a reconnect would end in the same way. */
export const ENDINGS: ReadonlyMap<number, Ending> = new Map([
  [4400, { sentence: "This page lost its place in the debate. Reload it to start anew.", signIn: false }],
  [4401, { sentence: "Signed out.", signIn: true }],
  [4403, { sentence: "You may not watch this debate any more.", signIn: false }],
  [4404, { sentence: "There is no such debate, or it is not yours.", signIn: false }],
  [4429, { sentence: "This page sent more than the server accepts. Reload it.", signIn: false }],
  [4413, { sentence: "This page sent more than the server accepts. Reload it.", signIn: false }],
]);

/** Codes of a server that restarts. */
export const RESTARTS: ReadonlySet<number> = new Set([1012, 4501]);
