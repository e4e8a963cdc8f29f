// The page of one debate, for people who may write to its panel or start another debate from it, or if its team was
// chosen for it. It needs these elements besides live.ts.

import "../transcript/after-element.ts";
import "../transcript/message-form.ts";
import "../transcript/restart-button.ts";
import "../transcript/routing-element.ts";
