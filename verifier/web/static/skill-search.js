// Search as one types. Without this script the same form searches with its button; both fill the same fields.
const field = document.querySelector("[data-search]");
if (field) {
  const words = field.dataset;
  const results = document.querySelector("[data-results]");
  const picked = document.querySelector("[data-picked]");
  let timer;
  let number = 0;

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, 250);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      search();
    }
  });
  // What was typed before this script came.
  if (field.value !== field.defaultValue) search();

  async function search() {
    const text = field.value.trim();
    const asked = ++number;
    if (!text) {
      results.replaceChildren();
      return;
    }
    const query = new URLSearchParams({ q: text, language: words.language, limit: "8" });
    const response = await fetch(`${words.search}?${query}`);
    if (!response.ok || asked !== number) return;
    const { skills } = await response.json();
    show(skills.filter((skill) => !isPicked(skill.uri)));
  }

  function show(skills) {
    if (skills.length === 0) {
      results.replaceChildren(element("p", { text: words.nothing }));
      return;
    }
    const list = element("ul", { class: "picked", "aria-label": words.found });
    for (const skill of skills) {
      const button = element("button", { type: "button", class: "button", text: words.add });
      button.setAttribute("aria-label", `${words.add}: ${skill.name}`);
      const item = element("li");
      item.append(element("span", { lang: skill.language, text: skill.name }), button);
      button.addEventListener("click", () => {
        pick(skill);
        item.remove();
        field.focus();
      });
      list.append(item);
    }
    results.replaceChildren(list);
  }

  function isPicked(uri) {
    return [...picked.querySelectorAll('input[name="skill_uri"]')].some((input) => input.value === uri);
  }

  function pick(skill) {
    if (isPicked(skill.uri)) return;
    const need = element("select", { name: "skill_need", "aria-label": `${words.needLabel}: ${skill.name}` });
    need.append(element("option", { value: "needed", text: words.needed }), element("option", { value: "nice", text: words.nice }));
    const remove = element("button", { type: "button", class: "link", text: words.remove });
    remove.setAttribute("aria-label", `${words.remove}: ${skill.name}`);
    const item = element("li");
    item.append(
      element("span", { lang: skill.language, text: skill.name }),
      element("input", { type: "hidden", name: "skill_uri", value: skill.uri }),
      element("input", { type: "hidden", name: "skill_name", value: skill.name }),
      need,
      remove,
    );
    remove.addEventListener("click", () => item.remove());
    picked.append(item);
  }

  function element(name, { text, ...attributes } = {}) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }
}
