// The page of one debate.

import "./debate-element.ts";
