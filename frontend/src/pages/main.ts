// Every page: the style sheet, the theme, the menu, copy buttons and the sign-in.

import "../styles/main.css";
import { setUpCopyButtons } from "../shared/clipboard.ts";
import { keepFragment } from "../shared/fragment.ts";
import { setUpThemeToggle, tellTimeZone } from "../shared/theme.ts";

setUpThemeToggle();
tellTimeZone();
setUpCopyButtons();
keepFragment();
