/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flame graph's behaviour. Everything that it draws comes from the numbers and names in <metadata>, and names are only ever
 * set as text. Only what is wide enough to be seen is in the document; zooming draws anew.
 */
(function () {
	"use strict";
	var NS = "http://www.w3.org/2000/svg";
	var svg = (document.currentScript && document.currentScript.closest("svg")) || document.documentElement;
	var by = function (cls) { return svg.querySelector("." + cls); };
	var data = JSON.parse(by("data").textContent);
	var names = data.names, modules = data.modules, classes = data.classes, v = data.nodes, per = data.base ? 6 : 5;
	var n = v.length / per, all = data.total, ROW = data.row, CHAR = 7.25, SMALL = 6.65, TOP = data.top, MARGIN = 10, SEEN = 0.8;
	var title = by("title"), subtitle = by("subtitle"), titles = [title.textContent, subtitle.textContent];
	var items = Array.prototype.slice.call(svg.querySelectorAll(".item"));
	var head = by("head"), frames = by("frames"), details = by("details"), found = by("found"), input = by("input");
	var parent = new Int32Array(n), end = new Int32Array(n), x0 = new Float64Array(n), hit = null;
	var zoomed = 0, focused = 0, element = {}, width = 0, levels = 0, lines = 1;
	/* As a page of its own it scrolls; within another page that is the page's affair. */
	var alone = svg === document.documentElement;
	/* What stands there while no function is looked at: what is gone, where two recordings are compared. */
	var note = details.textContent;

	function depth(k) { return v[k * per]; }
	function name(k) { return names[v[k * per + 1]]; }
	function module(k) { return modules[v[k * per + 1]]; }
	function total(k) { return v[k * per + 3]; }

	/* Nodes are in the order in which they are met going down, each branch as a whole. */
	(function () {
		var open = [], used = [], k, d;
		for (k = 0; k < n; k++) {
			d = depth(k);
			while (open.length > d)
				end[open.pop()] = k;
			parent[k] = d ? open[d - 1] : -1;
			x0[k] = d ? used[d - 1] : 0;
			if (d)
				used[d - 1] += total(k);
			used[d] = x0[k];
			open[d] = k;
		}
		while (open.length)
			end[open.pop()] = n;
	})();

	function percent(x, of) {
		var p = of ? 100 * x / of : 0;
		return p >= 9.95 || p === 0 ? p.toFixed(p % 1 ? 1 : 0) + " %" : p.toPrecision(2) + " %";
	}

	function weight(x) {
		var units = ["ns", "µs", "ms", "s"], u = 0;
		if (data.unit !== "ns")
			return x.toLocaleString("en") + " " + data.unit;
		while (x >= 1000 && u < 3) {
			x /= 1000;
			u++;
		}
		return (u ? x.toPrecision(3) : x) + " " + units[u];
	}

	function describe(k) {
		var text = name(k) + (module(k) ? " (" + module(k) + ")" : "") + ": " + percent(total(k), all);
		if (zoomed && k !== zoomed)
			text += ", " + percent(total(k), total(zoomed)) + " of " + name(zoomed);
		text += ", " + weight(total(k));
		if (data.count)
			text += ", " + v[k * per + 4].toLocaleString("en") + " " +
				(v[k * per + 4] === 1 ? data.count.replace(/s$/, "") : data.count);
		if (data.base)
			text += "; before: " + percent(v[k * per + 5], all);
		return text;
	}

	function add(parentElement, tag, attributes) {
		var e = document.createElementNS(NS, tag), a;
		for (a in attributes)
			e.setAttribute(a, attributes[a]);
		parentElement.appendChild(e);
		return e;
	}

	/* Into so many lines as there are, one below the other; all of it is told where one points at it. */
	function fit(e, text, most, size) {
		var room = Math.max(Math.floor((width - 2 * MARGIN) / size), 8), i, line;
		e.textContent = "";
		for (i = 0; i < most && text.length > i * room; i++) {
			line = text.slice(i * room, (i + 1) * room);
			if (i + 1 === most && text.length > most * room)
				line = line.slice(0, -1) + "…";
			add(e, "tspan", { "x": MARGIN, "dy": i ? 14 : 0 }).textContent = line;
		}
		if (text.length > most * room)
			add(e, "title", {}).textContent = text;
	}

	function top(k) {
		return TOP + (data.icicle ? depth(k) : levels - 1 - depth(k)) * ROW;
	}

	function draw(k, x, w, faded) {
		var y = top(k), room = Math.floor((w - 6) / CHAR), text = name(k), g;
		g = add(frames, "g", { "class": "f" + (faded ? " faded" : ""), "tabindex": k === focused ? 0 : -1, "role": "button" });
		add(g, "rect", {
			"class": hit && hit[k] ? "hit" : classes[v[k * per + 2]], "x": x.toFixed(2), "y": y, "width": Math.max(w - 0.5, 0.5).toFixed(2),
			"height": ROW - 1, "rx": 1
		});
		if (room >= 3)
			add(g, "text", { "x": (x + 3).toFixed(2), "y": y + ROW - 5 }).textContent =
				text.length > room ? text.slice(0, room - 1) + "…" : text;
		g.node = k;
		element[k] = g;
	}

	function render() {
		var scale = (width - 2 * MARGIN) / (total(zoomed) || 1), shown = [], k, w;
		element = {};
		frames.textContent = "";
		if (focused !== zoomed && (focused < zoomed || focused >= end[zoomed]))
			focused = zoomed;
		levels = depth(zoomed) + 1;
		for (k = zoomed; k < end[zoomed]; ) {
			w = total(k) * scale;
			/* What is too narrow to be seen has nothing wider above it. */
			if (w < SEEN) {
				k = end[k];
				continue;
			}
			levels = Math.max(levels, depth(k) + 1);
			shown.push(k);
			k++;
		}
		svg.setAttribute("height", TOP + levels * ROW + MARGIN);
		for (k = parent[zoomed]; k >= 0; k = parent[k])
			draw(k, MARGIN, width - 2 * MARGIN, true);
		shown.forEach(function (s) {
			draw(s, MARGIN + (x0[s] - x0[zoomed]) * scale, total(s) * scale, false);
		});
		by("reset").disabled = !zoomed;
	}

	/* What one points at stays where it is. */
	function zoom(k, seen) {
		var at = top(seen) - window.pageYOffset;
		zoomed = focused = k;
		render();
		if (alone)
			window.scrollTo(0, top(seen) - at);
		focus(k);
	}

	function show(k) {
		fit(details, k === 0 && note ? note : describe(k), lines, SMALL);
	}

	function focus(k) {
		var before = element[focused];
		if (k < 0 || k >= n || !element[k])
			return;
		if (before)
			before.setAttribute("tabindex", -1);
		focused = k;
		element[k].setAttribute("tabindex", 0);
		element[k].setAttribute("aria-label", describe(k));
		element[k].focus();
		show(k);
	}

	/* The widest child that is drawn. */
	function child(k) {
		var c = k + 1, best = -1;
		for (; c < end[k]; c = end[c])
			if (element[c] && (best < 0 || total(c) > total(best)))
				best = c;
		return best;
	}

	function sibling(k, back) {
		var p = parent[k], c, last = -1;
		for (c = p + 1; p >= 0 && c < end[p]; c = end[c]) {
			if (c === k && back)
				return last;
			if (c > k && !back && element[c])
				return c;
			if (element[c])
				last = c;
		}
		return -1;
	}

	/* The next place that matches and is wide enough to be seen, behind the one with the focus, or before it. */
	function next(back) {
		var i, at = focused;
		for (i = 0; hit && i < n; i++) {
			at = (at + (back ? n - 1 : 1)) % n;
			if (hit[at] && element[at]) {
				focus(at);
				return;
			}
		}
	}

	function search(text) {
		var re, k, sum = 0, count = 0, until = 0, of = new Uint8Array(names.length);
		hit = null;
		found.textContent = "";
		if (text) {
			try {
				re = new RegExp(text, /[A-Z]/.test(text) ? "" : "i");
			} catch (e) {
				re = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i");
			}
			for (k = 0; k < names.length; k++)
				of[k] = re.test(names[k]) ? 1 : 0;
			hit = new Uint8Array(n);
			for (k = 0; k < n; k++) {
				if (!of[v[k * per + 1]])
					continue;
				hit[k] = 1;
				count++;
				/* What is called by a function that matches is in it already. */
				if (k >= until) {
					sum += total(k);
					until = end[k];
				}
			}
			found.textContent = percent(sum, all) + " matched, in " + count + (count === 1 ? " place" : " places") +
				(count ? ": Enter, then n and N" : "");
		}
		render();
	}

	function node(event) {
		var g = event.target.closest ? event.target.closest(".f") : null;
		return g && g.node !== undefined ? g.node : -1;
	}

	frames.addEventListener("click", function (event) {
		var k = node(event);
		if (k >= 0)
			zoom(k, k);
	});
	frames.addEventListener("mouseover", function (event) {
		var k = node(event), g = element[k];
		if (k < 0)
			return;
		show(k);
		if (g && !g.querySelector("title"))
			add(g, "title", {}).textContent = describe(k);
	});
	frames.addEventListener("mouseleave", function () { show(zoomed); });
	frames.addEventListener("focusin", function (event) {
		var k = node(event);
		if (k >= 0) {
			element[k].setAttribute("aria-label", describe(k));
			show(k);
		}
	});
	/* Keys are the graph's, wherever the focus is, but for what is typed. */
	svg.ownerDocument.addEventListener("keydown", function (event) {
		var inwards = data.icicle ? "ArrowDown" : "ArrowUp", outwards = data.icicle ? "ArrowUp" : "ArrowDown";
		if (event.ctrlKey || event.altKey || event.metaKey || (!alone && !svg.contains(event.target)))
			return;
		if (event.key === "Escape") {
			if (event.target === input || hit) {
				input.value = "";
				search("");
				focus(focused);
			} else {
				zoom(0, zoomed);
			}
		} else if (event.target === input) {
			if (event.key !== "Enter")
				return;
			next(false);
		} else if (event.target.localName === "button") {
			return;
		} else if (event.key === "/") {
			input.focus();
			input.select();
		} else if (event.key === "Enter" || event.key === " ") {
			zoom(focused, focused);
		} else if (event.key === "n" || event.key === "N") {
			next(event.key === "N");
		} else if (event.key === inwards) {
			focus(child(focused));
		} else if (event.key === outwards) {
			focus(parent[focused]);
		} else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
			focus(sibling(focused, event.key === "ArrowLeft"));
		} else {
			return;
		}
		event.preventDefault();
	});
	input.addEventListener("input", function () { search(input.value); });
	by("reset").addEventListener("click", function () { zoom(0, zoomed); });

	function resize() {
		/* A scroll bar may come and go with the height that follows. */
		var w = Math.max(svg.clientWidth || svg.getBoundingClientRect().width || 1200, 320);
		if (w === width)
			return;
		width = w;
		/* A narrow window has the search's result and what is told of a function below each other. */
		lines = width < 640 ? 2 : 1;
		TOP = data.top + (lines - 1) * 30;
		found.setAttribute("x", lines > 1 ? MARGIN : 330);
		found.setAttribute("y", lines > 1 ? 104 : 84);
		details.setAttribute("y", lines > 1 ? 120 : data.top - 6);
		fit(title, titles[0], 1, 10.3);
		fit(subtitle, titles[1], 1, SMALL);
		items.forEach(function (item) {
			var text = item.querySelector("text");
			item.setAttribute("display", +text.getAttribute("x") + text.textContent.length * SMALL > width ? "none" : "inline");
		});
		by("back").setAttribute("width", width);
		by("back").setAttribute("height", TOP - 2);
		/* Who comes to a function by a key sees it, and not what stands above all. */
		svg.style.scrollPaddingTop = TOP + "px";
		render();
		show(zoomed);
	}

	function follow() {
		head.setAttribute("transform", "translate(0," + window.pageYOffset + ")");
	}

	/* As wide as the window, where somebody draws for it. */
	svg.removeAttribute("viewBox");
	svg.setAttribute("width", "100%");
	by("tools").removeAttribute("display");
	window.addEventListener("resize", resize);
	resize();
	if (alone) {
		/* What the stacks begin with is at the bottom; what it all is, and the search, are seen from everywhere. */
		window.addEventListener("scroll", follow);
		if (!data.icicle)
			window.scrollTo(0, TOP + levels * ROW);
		follow();
	}
})();
