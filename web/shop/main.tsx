import "./shop.css";
import "./goods.css";
import { render } from "preact";
import { chooseLanguage } from "../shared/i18n";
import { Page } from "./page";

const asked = new URLSearchParams(location.search).get("lang");
render(<Page first={chooseLanguage(asked, ...navigator.languages)} />, document.getElementById("app")!);
