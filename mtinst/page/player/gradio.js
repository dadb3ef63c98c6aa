// What Gradio runs once its component is on the page, with `element`, `props` and `watch` given: no module, and no globals.

const [player] = element.children;
const show = () => player.setAttribute("value", props.value ?? "");
player.addEventListener("mtinst-song", () => document.getElementById("mt-summary")?.scrollIntoView());
watch("value", show);
show();
