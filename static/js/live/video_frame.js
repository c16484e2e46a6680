/** Calls back at the next camera frame with the time it was captured, as well as the browser knows it. */
export function onVideoFrame(video, callback) {
  if (video.requestVideoFrameCallback) {
    video.requestVideoFrameCallback((now, metadata) => callback(metadata.captureTime ?? metadata.presentationTime ?? now));
  } else {
    requestAnimationFrame(callback);
  }
}
