// Suggests skills while typing. Without it, the form's buttons do the same with a page each.
const form = document.getElementById("achievement");
const query = document.getElementById("skill_query");
const found = document.getElementById("found");
const picked = document.getElementById("picked");
const count = document.getElementById("found-count");

const hidden = (name, value) => Object.assign(document.createElement("input"), { type: "hidden", name, value });

const linkButton = (words, name) => {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "link", textContent: words });
  const more = Object.assign(document.createElement("span"), { className: "visually-hidden", textContent: `: ${name}` });
  button.append(more);
  return button;
};

const line = (name, language, button) => {
  const item = document.createElement("li");
  const text = Object.assign(document.createElement("span"), { textContent: name });
  if (language) text.lang = language;
  item.append(text, button);
  return item;
};

const isPicked = (uri) => [...picked.querySelectorAll("[name=skill_uri]")].some((input) => input.value === uri);

const pick = (skill) => {
  if (isPicked(skill.uri)) return;
  const remove = linkButton(picked.dataset.remove, skill.name);
  const item = line(skill.name, skill.language, remove);
  remove.addEventListener("click", () => { item.remove(); query.focus(); });
  item.append(hidden("skill_uri", skill.uri), hidden("skill_name", skill.name), hidden("skill_framework", "ESCO"));
  picked.append(item);
};

const show = (skills) => {
  found.replaceChildren(...skills.filter((skill) => !isPicked(skill.uri)).map((skill) => {
    const add = linkButton(found.dataset.add, skill.name);
    const item = line(skill.name, skill.language, add);
    add.addEventListener("click", () => { pick(skill); item.remove(); query.focus(); });
    return item;
  }));
  count.textContent = `${count.dataset.text} ${found.children.length}`;
};

let timer;
let asked = 0;
const suggest = async () => {
  const text = query.value.trim();
  const number = ++asked;
  if (text.length < 2) return show([]);
  const answer = await fetch(`${form.dataset.suggest}?q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } });
  if (!answer.ok || number !== asked) return;
  show((await answer.json()).skills);
};

query?.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(suggest, 180); });
// What was typed before this script came.
if (query && query.value !== query.defaultValue) suggest();
