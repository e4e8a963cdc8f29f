// The page of a person's API keys.

import "../styles/keys.css";
import "../keys/keys-element.ts";
