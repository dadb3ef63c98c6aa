import assert from "node:assert/strict";
import test from "node:test";

import { TimeAxis } from "../../mtinst/page/player/axis.js";

function axisOf(duration, fullWidth = 1124) {
  const axis = new TimeAxis();
  axis.fullWidth = fullWidth;
  axis.reset(duration);
  return axis;
}

const near = (actual, wanted) => assert.ok(Math.abs(actual - wanted) < 1e-9, `${actual} is not ${wanted}`);

test("a short song fills the picture, and of a long one a second is 22 pixels", () => {
  near(axisOf(20).scale, 50);
  assert.ok(axisOf(20).showsAll);
  assert.equal(axisOf(300).scale, 22);
  near(axisOf(300).end, 1000 / 22);
});

test("a place and its second are each other's inverse, within the song", () => {
  const axis = axisOf(300);
  axis.moveTo(100);
  for (const second of [100, 123.4, axis.end]) near(axis.secondAt(axis.x(second)), second);
  axis.moveTo(0);
  assert.equal(axis.secondAt(0), 0, "left of the axis");
  axis.moveTo(300);
  assert.equal(axis.secondAt(99999), 300);
});

test("names take less room in a narrow picture", () => {
  assert.equal(axisOf(20, 1124).gutter, 124);
  assert.equal(axisOf(20, 400).gutter, 84);
});

test("the view stays within the song", () => {
  const axis = axisOf(300);
  axis.moveTo(-5);
  assert.equal(axis.start, 0);
  axis.moveTo(299);
  near(axis.end, 300);
});

test("what is zoomed around stays where it is", () => {
  const axis = axisOf(300);
  axis.moveTo(100);
  for (const factor of [1.6, 3, 0.4]) {
    const x = axis.x(120);
    axis.zoom(factor, 120);
    near(axis.x(120), x);
  }
});

test("what was out of sight comes to the middle", () => {
  const axis = axisOf(300);
  axis.zoom(2, 200);
  near((axis.start + axis.end) / 2, 200);
});

test("zoom ends at the whole song, and at 400 pixels a second", () => {
  const axis = axisOf(300);
  axis.zoom(1e9, 0);
  assert.equal(axis.scale, 400);
  axis.zoom(1e-9, 0);
  assert.ok(axis.showsAll);
  near(axis.end, 300);
});

test("the page is turned when a second is out of sight or near the right edge, and not at the end of the song", () => {
  const axis = axisOf(300);
  assert.equal(axis.reveal(10), false);
  assert.equal(axis.reveal(44), true);
  near(axis.x(44) - axis.gutter, 0.08 * axis.width);
  assert.equal(axis.reveal(1), true);
  assert.equal(axis.start, 0);
  axis.moveTo(300);
  assert.equal(axis.reveal(299.9), false);
});
