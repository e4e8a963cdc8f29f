// The pages of an account: signing in, keys and settings.

import "../styles/entrance.css";
import "../styles/keys.css";
import "../styles/settings.css";
import { forgetSubmission } from "../shared/clipboard.ts";

forgetSubmission();
