// Shows the camera and sends a picture of it to the wallet until a QR code is found in one, whose text is then sent in
// the form that the page names. Nothing is kept.
const box = document.getElementById("camera");
const video = document.getElementById("camera-picture");
const status = document.getElementById("camera-status");
const button = document.getElementById("camera-start");
const form = document.getElementById(box.dataset.form);
const PAUSE = 400;
const LONGEST_SIDE = 1024;

function takePicture() {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.8));
}

async function readCode(picture) {
  const body = new FormData();
  body.append("csrf_token", form.elements.csrf_token.value);
  body.append("picture", picture, "frame.jpg");
  const response = await fetch(box.dataset.frameUrl, { method: "POST", body });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return (await response.json()).text;
}

async function search(stream) {
  while (stream.active) {
    const picture = video.videoWidth ? await takePicture() : null;
    const text = picture ? await readCode(picture) : "";
    if (text) {
      status.textContent = box.dataset.found;
      stream.getTracks().forEach((track) => track.stop());
      form.elements[box.dataset.field].value = text;
      form.submit();
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

async function start() {
  let stream = null;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
    video.srcObject = stream;
    video.hidden = false;
    button.hidden = true;
    await video.play();
    status.textContent = box.dataset.searching;
    await search(stream);
  } catch {
    stream?.getTracks().forEach((track) => track.stop());
    video.hidden = true;
    button.hidden = false;
    status.textContent = box.dataset.failed;
  }
}

if (navigator.mediaDevices?.getUserMedia) {
  box.hidden = false;
  button.addEventListener("click", start);
}
