// One end of a one-way call: video and audio from the left end to the right one.
//
// The test calls `offer`, `answer` and `accept` through Chromium's debugging pipe,
// and `sample` once a second. Signalling does not take the link.
"use strict";

const call = new RTCPeerConnection();
const shown = document.getElementById("shown");
const frames = [];

/// Camera and microphone. At the receiver they only serve to be allowed to use the
/// addresses of all devices.
async function devices() {
  return navigator.mediaDevices.getUserMedia({
    audio: true,
    video: { width: 640, height: 360, frameRate: 30 },
  });
}

/// Only VP8, with everything that repairs it.
function onlyVp8(transceiver) {
  const wanted = ["video/vp8", "video/rtx", "video/red", "video/ulpfec"];
  const { codecs } = RTCRtpReceiver.getCapabilities("video");
  transceiver.setCodecPreferences(
    codecs.filter(({ mimeType }) => wanted.includes(mimeType.toLowerCase())),
  );
}

/// The local description with all its IPv4 candidates.
async function described(description) {
  const gathered = new Promise((done) => {
    call.onicegatheringstatechange = () => {
      if (call.iceGatheringState === "complete") done();
    };
  });
  await call.setLocalDescription(description);
  if (call.iceGatheringState !== "complete") await gathered;
  const lines = call.localDescription.sdp.split("\r\n");
  const isIpv6 = (line) =>
    line.startsWith("a=candidate:") && line.split(" ")[4].includes(":");
  return {
    type: call.localDescription.type,
    sdp: lines.filter((line) => !isIpv6(line)).join("\r\n"),
  };
}

/// The left end: what it would send.
async function offer(maxBitrate) {
  const stream = await devices();
  for (const track of stream.getTracks()) {
    const init = { direction: "sendonly", streams: [stream] };
    if (track.kind === "video") init.sendEncodings = [{ maxBitrate }];
    const transceiver = call.addTransceiver(track, init);
    if (track.kind === "video") onlyVp8(transceiver);
  }
  return described(await call.createOffer());
}

/// The right end: that it takes what is offered.
async function answer(offered) {
  const allowed = await devices();
  allowed.getTracks().forEach((track) => track.stop());
  const stream = new MediaStream();
  shown.srcObject = stream;
  call.ontrack = ({ track }) => stream.addTrack(track);
  shown.requestVideoFrameCallback(function note(_, frame) {
    frames.push([
      performance.timeOrigin + frame.presentationTime,
      performance.timeOrigin + frame.receiveTime,
      frame.rtpTimestamp,
    ]);
    shown.requestVideoFrameCallback(note);
  });
  await call.setRemoteDescription(offered);
  return described(await call.createAnswer());
}

/// The left end: begins. Returns when, in ms since 1970.
async function accept(answered) {
  const start = performance.timeOrigin + performance.now();
  await call.setRemoteDescription(answered);
  return start;
}

/// All counters of `getStats` that say something, by what they belong to.
async function sample() {
  const kinds = {
    transport: "transport",
    "candidate-pair": "pair",
    "outbound-rtp": "sent",
    "inbound-rtp": "received",
    "remote-inbound-rtp": "reported",
    "media-source": "source",
  };
  const found = { state: call.connectionState };
  for (const entry of (await call.getStats()).values()) {
    let name = kinds[entry.type];
    if (!name || (name === "pair" && !entry.nominated)) continue;
    if (entry.kind) name += `_${entry.kind}`;
    found[name] = entry;
  }
  return found;
}

/// When frames were shown and had been received, both in ms since 1970, and their RTP
/// timestamps.
function takeFrames() {
  return frames.splice(0);
}
