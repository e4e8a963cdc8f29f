// The form that starts a debate: one box for the question and its sources, and the options below it.

import { nothing, render } from "lit";
import { chipsTemplate } from "./chips.ts";
import { Composer, MAX_QUESTION } from "./composer.ts";
import type { Dataset } from "./datasets.ts";
import type { Draft } from "./draft.ts";
import { Estimates } from "./estimates.ts";
import { type Example, setUpExamples } from "./examples.ts";
import { clearError, clearErrors, showErrors } from "./field-errors.ts";
import { receive } from "./incoming.ts";
import { beginningText, limitProblems } from "./limits.ts";
import { chooseTeam, drawOptions, option, optionDraft, optionValues, restoreOptions, takeNamedTeam } from "./options.ts";
import { drawReading, readingProblems, readingValues, withChoice } from "./reading.ts";
import { type Source, Sources } from "./sources.ts";
import { type Failure, requestStart, showStarting } from "./starting.ts";
import { type Busy, busyTemplate, stopOne } from "../shared/busy.ts";
import { DraftStore } from "../shared/draft.ts";
import { leftText, priceText } from "../shared/estimate.ts";
import { characterCount, thousands } from "../shared/format.ts";
import type { FieldError } from "../shared/http.ts";
import { isSend } from "../shared/keyboard.ts";
import { newKey } from "../shared/keys.ts";

/** What the server fills in beside the fields: the content, the sources and the id of the debate that an earlier one
 * had. */
type Texts = {
  readonly content?: string;
  readonly sources?: readonly Source[];
  readonly datasets?: readonly Dataset[];
  readonly follows?: string | null;
};

export class StartForm {
  #form: HTMLFormElement;
  #api: string;
  #composer: Composer;
  #estimates: Estimates;
  #drafts: DraftStore<Draft>;
  #busy: Busy | null = null;
  /** The idempotency key of a start that has failed; null after any change. */
  #key: string | null = null;
  #isStarting = false;
  /** The id of the debate that the new one follows, or null. */
  #follows: string | null;

  constructor(form: HTMLFormElement) {
    const { api = "", sources = "", datasets = "", maxTableMb = "", user = "", again = "" } = form.dataset;
    const texts: Texts = JSON.parse(document.getElementById("texts")?.textContent ?? "{}");
    this.#form = form;
    this.#api = api;
    this.#follows = texts.follows ?? null;
    const field = (name: string): HTMLTextAreaElement => form.elements.namedItem(name) as HTMLTextAreaElement;
    const files = new Sources(sources, datasets, Number(maxTableMb), () => this.#changed());
    this.#composer = new Composer(field("content"), field("topic"), files);
    const values = (): Record<string, unknown> | null => (this.#composer.isEmpty ? null : this.#values());
    this.#estimates = new Estimates(`${api}estimate`, values, () => this.#draw());
    // A form that was opened with the values of an earlier debate has a draft of its own.
    this.#drafts = new DraftStore(again ? `${user}:${again}` : user, again !== "", () => this.#draft());
    const draft = this.#drafts.load();
    // What was typed before this script had loaded is newer than the draft.
    if (draft !== null && this.#composer.text.value === this.#composer.text.defaultValue) this.#restore(draft);
    else this.#begin(texts);
    if (takeNamedTeam(form)) this.#drafts.saveSoon();
    this.#listen();
    this.#draw();
    this.#estimates.refreshSoon();
    // Until here a press would have sent the form itself.
    for (const button of form.querySelectorAll<HTMLButtonElement>("[type=submit]")) button.disabled = false;
  }

  #begin({ content, sources = [], datasets = [] }: Texts): void {
    if (content) this.#composer.pasted = [{ name: "Text", text: content }];
    this.#composer.sources.replace(sources, datasets);
  }

  #listen(): void {
    const { text, question, sources } = this.#composer;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#start(event);
    });
    this.#form.addEventListener("input", ({ target }) => {
      if (target === question) this.#composer.isQuestionOwn = question.value.trim() !== "";
      if (target instanceof Element) clearError(target);
      if (target instanceof HTMLSelectElement && target.name === "panel") chooseTeam(this.#form, target.value);
      this.#changed();
    });
    for (const field of [text, question]) {
      field.addEventListener("keydown", (event) => {
        if (!isSend(event)) return;
        event.preventDefault();
        this.#form.requestSubmit();
      });
    }
    receive(this.#form, text, { files: (files) => sources.add(files), source: (pasted) => this.#addPasted("Pasted text", pasted) });
    setUpExamples(this.#form, (example) => this.#fill(example));
  }

  /** Fills what is empty; returns how to undo that. */
  #fill({ label, topic, content, content_type, instrument, as_of }: Example): () => void {
    const before = this.#draft();
    if (instrument !== "" && option(this.#form, "instrument").value === "") {
      option(this.#form, "instrument").value = instrument;
      option(this.#form, "as_of").value = as_of;
    }
    if (this.#composer.text.value.trim() === "") this.#composer.text.value = topic;
    if (content !== "" && !this.#composer.hasSources) {
      option(this.#form, "content_type").value = content_type;
      this.#addPasted(label, content);
    }
    this.#changed();
    this.#composer.text.focus();
    return () => {
      this.#restore(before);
      this.#changed();
    };
  }

  #addPasted(name: string, text: string): void {
    this.#composer.pasted = [...this.#composer.pasted, { name, text }];
    this.#changed();
  }

  /** The person has changed something. */
  #changed(): void {
    this.#key = null;
    this.#estimates.refreshSoon();
    this.#drafts.saveSoon();
    this.#draw();
  }

  #draw(): void {
    const { text, question, sources, pasted, isAsked, isEmpty, isQuestionOwn } = this.#composer;
    const { current: estimate } = this.#estimates;
    this.#place("[data-field=topic]").hidden = isAsked || isEmpty;
    if (!isAsked && !isEmpty && !isQuestionOwn && estimate !== null) question.value = estimate.topic;
    const removePasted = (gone: object): void => {
      this.#composer.pasted = pasted.filter((each) => each !== gone);
      this.#changed();
    };
    render(chipsTemplate(pasted, removePasted, sources), this.#place("[data-chips]"));
    drawOptions(this.#form);
    this.#place("[data-price]").textContent = estimate ? priceText(estimate) : "";
    this.#place("[data-left]").textContent = estimate ? `${leftText(estimate)} ${beginningText(this.#form, estimate)}`.trim() : "";
    drawReading(this.#form, estimate);
    this.#drawCounter(characterCount(text.value));
    const queue = (): void => void this.#start(null, { when_busy: "queue" });
    const busy = this.#busy && busyTemplate(this.#busy, queue, (id) => void this.#stop(id));
    render(busy ?? nothing, this.#place("[data-busy]"));
  }

  /** Says that a text is too long for a question, and therefore a source. */
  #drawCounter(count: number): void {
    const counter = this.#place("[data-counter]");
    counter.textContent = count <= MAX_QUESTION ? "" : `Source, ${thousands(count)} of ${thousands(this.#limit)} characters`;
    counter.toggleAttribute("data-over", count > this.#limit);
  }

  /** The most characters of content. */
  get #limit(): number {
    return Number(this.#composer.text.dataset["limit"]);
  }

  #values(): Record<string, unknown> {
    const follows = this.#follows === null ? {} : { follows: this.#follows };
    const { organisation } = this.#form.dataset;
    const within = organisation ? { organisation } : {};
    return { ...this.#composer.values, ...optionValues(this.#form), ...readingValues(this.#form), ...follows, ...within };
  }

  #problems(): FieldError[] {
    const { content, isAsked, isEmpty, question, sources } = this.#composer;
    const { current: estimate } = this.#estimates;
    const problems = [...readingProblems(this.#form, estimate), ...limitProblems(this.#form, estimate)];
    const add = (field: string, message: string): void => void problems.unshift({ field, message });
    if (characterCount(content) > this.#limit) add("content", `Enter at most ${thousands(this.#limit)} characters.`);
    if (!isAsked && characterCount(question.value) > MAX_QUESTION) add("topic", `Enter at most ${MAX_QUESTION} characters.`);
    if (sources.isUploading) add("sources", "Wait until the files are uploaded, or remove them.");
    else if (isEmpty) add("content", "Enter a question.");
    return problems;
  }

  async #start(cause: Event | null, more: object = {}): Promise<void> {
    if (this.#isStarting) return;
    clearErrors(this.#form);
    this.#place("[data-form-error]").hidden = true;
    this.#busy = null;
    this.#draw();
    const problems = this.#problems();
    if (problems.length > 0) return this.#show(problems);
    this.#key ??= newKey();
    this.#drafts.save();
    this.#isStarting = true;
    showStarting(this.#page, (this.#composer.isAsked ? this.#composer.text : this.#composer.question).value.trim());
    const outcome = await requestStart(this.#api, { ...this.#values(), ...more, idempotency_key: this.#key }, cause);
    if (outcome.problem !== null) return this.#failed(outcome);
    this.#drafts.close();
    location.assign(outcome.body.url);
  }

  #failed({ problem, errors, status, running, isStale }: Failure): void {
    // The draft is kept: on the next page, and after signing in, everything is there.
    if (isStale) return location.reload();
    if (status === 401) return location.assign(this.#form.dataset["login"] ?? location.href);
    this.#isStarting = false;
    showStarting(this.#page, null);
    // A key that belongs to another debate will not fit the next time either.
    if (status === 409) this.#key = null;
    if (running === null) return this.#show(withChoice(this.#form, errors), problem);
    this.#busy = { problem, running, stopping: new Set() };
    this.#draw();
    this.#place("[data-busy] button").focus();
  }

  #show(errors: readonly FieldError[], problem = ""): void {
    const general = errors.length === 0 ? [problem] : showErrors(this.#form, errors);
    if (general.length === 0) return;
    this.#place("[data-form-problem]").textContent = general.join(" ");
    this.#place("[data-form-error]").hidden = false;
    this.#place("[data-form-error] button").focus();
  }

  #stop(id: string): Promise<void> {
    return stopOne(id, (change) => {
      this.#busy &&= change(this.#busy);
      this.#draw();
    });
  }

  #draft(): Draft {
    return { ...this.#composer.draft, options: optionDraft(this.#form), key: this.#key };
  }

  #restore(draft: Draft): void {
    this.#composer.restore(draft);
    restoreOptions(this.#form, draft.options);
    this.#key = draft.key;
  }

  get #page(): HTMLElement {
    return this.#form.closest<HTMLElement>("[data-start]") ?? this.#form;
  }

  #place(selector: string): HTMLElement {
    const found = this.#form.querySelector<HTMLElement>(selector);
    if (!found) throw new Error(`The form has no ${selector}.`);
    return found;
  }
}
