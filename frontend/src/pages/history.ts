// Every page of somebody who is signed in: the sidebar with their debates.

import "../history/history-element.ts";
import { setUpSidebar } from "../history/sidebar.ts";

setUpSidebar();
