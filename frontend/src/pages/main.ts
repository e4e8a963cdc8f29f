// Every page: the style sheet, the theme, the menu and copy buttons.

import "../styles/main.css";
import { forgetSubmission, setUpCopyButtons } from "../shared/clipboard.ts";
import { setUpThemeToggle, tellTimeZone } from "../shared/theme.ts";

setUpThemeToggle();
tellTimeZone();
setUpCopyButtons();
forgetSubmission();
