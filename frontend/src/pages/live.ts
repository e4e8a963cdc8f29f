// The page of one debate.

import "../debate/debate-element.ts";
