//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"entente/internal/accord"
	"entente/internal/node"
	"entente/internal/web/webtest"
)

// keyboard is somebody who has no mouse, and who has to see where they are: each control that a key leads to is looked at.
type keyboard struct {
	*watch
	node   *served
	batch  int // of what was imported to renew the pages
	minded map[string]bool
}

// keysAt is such a somebody, whom the node does not know yet.
func keysAt(t *testing.T, s *served) *keyboard {
	t.Helper()
	return &keyboard{watch: newVisitor(t, s, webtest.Window(t, "nobody went through the pages with the keys alone")), node: s, minded: map[string]bool{}}
}

// stopped is what there is to say of the control that has the focus.
type stopped struct {
	There bool   // it is the one that was wanted
	What  string // its tag
	Bad   string // what a person would miss
}

// stopScript looks at the control that has the focus: its box is in the window and nothing lies over it; and at the one before it, which has
// to look otherwise than it did with the focus.
const stopScript = `((wanted) => {
	const tell = (e) => e.outerHTML.slice(0, 160);
	const look = (e) => { const s = getComputedStyle(e); return [s.outlineStyle, s.outlineWidth, s.outlineColor, s.boxShadow, s.borderColor, s.backgroundColor].join(" "); };
	const el = document.activeElement, was = window.seenStop;
	window.seenStop = undefined;
	if (was && was.el !== el && was.el.isConnected && look(was.el) === was.look) return {What: tell(was.el), Bad: "with and without the focus it looks the same"};
	if (!el || el === document.body) return {What: "nothing"};
	window.seenStop = {el, look: look(el)};
	const out = {There: el.matches(wanted), What: tell(el)}, all = el.getBoundingClientRect(), first = el.getClientRects()[0];
	const inside = (low, high, room) => high - low > room ? low < room && high > 0 : low >= -1 && high <= room + 1;
	if (!first || all.width < 1 || all.height < 1) return {...out, Bad: "it has no box"};
	if (!inside(all.top, all.bottom, innerHeight) || !inside(all.left, all.right, innerWidth)) return {...out, Bad: "it is out of the window: " + JSON.stringify({all, innerWidth, innerHeight, scrollY, high: document.documentElement.scrollHeight})};
	const middle = (low, high, room) => (Math.max(low, 0) + Math.min(high, room)) / 2;
	const over = document.elementFromPoint(middle(first.left, first.right, innerWidth), middle(first.top, first.bottom, innerHeight));
	if (!over || !el.contains(over) && !over.contains(el)) return {...out, Bad: "it is covered by " + (over ? tell(over) : "nothing")};
	return out;
})(%q)`

// stop looks at the control that has the focus. What is wrong for longer than it takes to paint is an error, once for each control.
func (k *keyboard) stop(wanted string) bool {
	k.t.Helper()
	var s stopped
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var err error
		if s, err = chromedp.Run(k.ctx, chromedp.Evaluate[stopped](fmt.Sprintf(stopScript, wanted))); err != nil {
			k.t.Fatalf("%s: %v\n%s", k.name, err, k.sees())
		}
		if s.Bad == "" || time.Now().After(end) {
			break
		}
	}
	if s.Bad != "" && !k.minded[s.What] {
		k.minded[s.What] = true
		k.t.Errorf("%s, at %s: %s: %s", k.name, k.read("location.pathname"), s.What, s.Bad)
	}
	return s.There
}

// to presses Tab until what is wanted has the focus, or Shift and Tab, and looks at each control on the way.
func (k *keyboard) to(wanted string, back ...chromedp.KeyOption) {
	k.t.Helper()
	for range 200 {
		k.do(chromedp.KeyEvent(kb.Tab, back...))
		if k.stop(wanted) {
			return
		}
	}
	k.t.Fatalf("%s: Tab does not lead to %s\n%s", k.name, wanted, k.sees())
}

// back goes to a control that was passed.
func (k *keyboard) back(wanted string) {
	k.t.Helper()
	k.to(wanted, chromedp.KeyModifiers(chromedp.ModifierShift))
}

// here is where a page puts the focus by itself.
func (k *keyboard) here(wanted string) {
	k.t.Helper()
	k.until("the focus is at "+wanted, fmt.Sprintf(`document.readyState === "complete" && document.activeElement.matches(%q)`, wanted))
	k.stop(wanted)
}

// lands waits for a page that was gone to, until it is live.
func (k *keyboard) lands(path, wanted string) {
	k.t.Helper()
	k.until(path+" with "+wanted, fmt.Sprintf(`document.readyState === "complete" && location.pathname === %q && document.querySelector(%q) !== null`, path, wanted))
}

// chooses goes on within the choices that have the focus, until one is taken.
func (k *keyboard) chooses(value, key string) {
	k.t.Helper()
	for range 10 {
		if k.read("document.activeElement.value") == value {
			k.until(value+" is taken", "document.activeElement.checked")
			k.stop("input")
			return
		}
		k.press(key)
	}
	k.t.Fatalf("%s: the arrows do not lead to %s\n%s", k.name, value, k.sees())
}

// keeps makes the page renew itself by something that happens, and looks whether the focus is where it was: at the same control of
// the page, that still does the same and can still be seen. Without an event something is imported.
func (k *keyboard) keeps(event func()) {
	k.t.Helper()
	k.read(`(() => {
		const el = document.activeElement;
		window.does = (e) => [e.tagName, e.id, e.name, e.value, e.href, e.form?.action, e.textContent.trim()].join("|");
		window.held = {el, does: window.does(el), renewed: 0};
		document.addEventListener("entente:renewed", () => { window.held.renewed++; });
		return "";
	})()`)
	if event == nil {
		event = func() {
			k.batch++
			if _, err := k.node.load(k.batch, 1); err != nil {
				k.t.Fatal(err)
			}
		}
	}
	event()
	k.until("the page renews itself", `window.held !== undefined && window.held.renewed > 0`)
	k.same()
}

// same tells whether the focus is where [keyboard.keeps] saw it.
func (k *keyboard) same() {
	k.t.Helper()
	if now := k.read(`window.held.el === document.activeElement && window.held.does === window.does(window.held.el) ? "" : window.held.does + " became " + window.does(document.activeElement)`); now != "" {
		k.t.Errorf("%s, at %s: the focus is lost when the page renews itself: %s", k.name, k.read("location.pathname"), now)
	}
	k.stop("*")
}

// TestKeysAlone: two nodes, each with somebody in front of its pages who has nothing but a keyboard, and who can always see
// where it leads. One sets up a password and a second factor, signs out, and in again; the other has a token. An accord is
// proposed, read and signed at both sides; a call is made, taken, talked in and ended. While they do it, the pages renew themselves,
// and the focus stays.
func TestKeysAlone(t *testing.T) {
	exe, base := program(t)
	north := newServed(t, exe, base, "North", "", freePort(t))
	south := newServed(t, exe, base, "South", "", freePort(t))
	for _, s := range []*served{north, south} {
		s.pages = freePort(t)
		s.start()
	}
	refs := meet(t, north, south)
	n := keysAt(t, north)
	s := keysAt(t, south)

	// Signing in.
	const password = "correct horse battery"
	var made node.OfficerCodeResponse
	north.call("officer.new", node.OfficerNewRequest{Name: "ada", Roles: []string{"liaison"}, Claims: []node.Claim{{Agency: "CERT", Role: "head"}}}, &made)
	n.at("/set-up")
	n.here("#code")
	n.press(made.Code + "\r")
	n.lands("/set-up", "#again")
	n.to("#password")
	n.press(password)
	n.to("#again")
	n.press(password)
	n.to("#code")
	n.press(oneTimeCode(t, n.read(`document.querySelector("form code").textContent`)) + "\r")
	n.lands("/set-up/password", "main ul code")
	recovery := n.read(`document.querySelector("main ul code").textContent`)
	n.to("main p a")
	n.press("\r")
	n.lands("/", "#top nav")
	n.to("#top form button")
	n.press(" ")
	n.here("#name")
	n.press("ada")
	n.to("#password")
	n.press(password + "\r")
	n.here("#code")
	n.press(recovery + "\r")
	n.lands("/", "#top nav")
	s.at("/")
	s.here("#token")
	s.press(south.token + "\r")
	s.lands("/", "#top nav")

	// An accord is proposed, read, and signed.
	text, err := accord.ExampleFor("minimal", refs)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(base, "accord.yaml")
	hotline := fmt.Sprintf("\ncontacts:\n  - {id: K2, party: %q, kind: duty, mailbox: duty@south.example}\nhotline: {id: L1, acknowledge: PT15M}\n", south.party)
	if err := os.WriteFile(file, []byte(string(text)+hotline), 0o600); err != nil {
		t.Fatal(err)
	}
	const whole, propose, act = `a[href^="/unit?"]`, "form[action^='/accord/propose'] button", "form[action='/accord/act'] button"
	n.to(".skip")
	n.press("\r")
	n.to("main article.unit h3 a")
	n.keeps(nil)
	n.press("\r")
	n.lands("/unit", "#talks ~ details summary")
	n.to("#talks ~ details summary")
	n.press("\r")
	n.to("input[name=dry_run]")
	n.chooses("false", kb.ArrowDown)
	n.keeps(nil)
	n.choose("#file", file)
	n.to(propose)
	n.keeps(nil)
	s.to(".waiting " + whole + ", main " + whole) // what is there before the proposal comes
	s.keeps(func() {
		n.press(" ")
		n.lands("/accord", "main > .notice.good")
	})
	s.until("the proposal comes", `document.querySelector(".waiting a[href^='/unit?']") !== null`)
	s.same()
	s.back(".skip")
	s.press("\r")
	s.to(".waiting " + whole)
	s.keeps(nil)
	s.press("\r")
	s.lands("/unit", "#talks ~ .scroll a[href*='hash=']")
	s.to("#talks ~ .scroll a[href*='hash=']")
	s.keeps(nil)
	s.press("\r")
	s.lands("/accord", ".contents a")
	s.to(".contents a")
	s.press("\r")
	s.until("it is read from the first clause on", `location.hash === "#part-0"`)
	for _, k := range []*keyboard{s, n} {
		if k == s {
			k.back("input[name=move]")
		} else {
			k.to("input[name=move]")
		}
		k.press(" ")
		k.chooses("sign", kb.ArrowDown)
		k.keeps(nil)
		k.to(act)
		k.keeps(nil)
		k.press("\r")
		k.lands("/accord", "main > .notice.good")
	}
	for _, k := range []*keyboard{s, n} {
		k.until("it is in force", `document.querySelector("h1 .state.good") !== null`)
	}

	// A call is made, taken, talked in, and ended.
	s.to("#top nav a[href='/journal']")
	s.press("\r")
	s.lands("/journal", "main a[href^='/entry?']")
	s.to("main a[href^='/entry?']")
	n.to("#top nav a[href='/hotline']")
	n.press("\r")
	n.lands("/hotline", "a[href='/call/new']")
	n.to("a[href='/call/new']")
	n.keeps(nil)
	n.press("\r")
	n.lands("/call/new", "#call-text")
	n.to("input[name=urgency]")
	n.chooses("emergency", kb.ArrowUp)
	n.to("#subject")
	n.press("register")
	n.to("#call-text")
	n.press("Votes are missing.")
	n.keeps(nil)
	n.to("form[action='/call/new'] button:not([name])")
	s.keeps(func() { n.press("\r") })
	s.until("it rings", `document.querySelector("#ring [data-ring] button") !== null`)
	s.same()
	n.lands("/call", "#do-close")
	s.to("main a")
	s.back(".skip")
	s.back("#ring button[type=submit]")
	s.keeps(nil)
	s.press("\r")
	s.lands("/call", "#say-text")
	n.to("#do-close summary")
	n.keeps(nil)
	s.to("#say-text")
	s.press("We close the gates.")
	s.to("#do-say button")
	s.keeps(nil)
	n.keeps(func() { s.press("\r") })
	n.until("the words come", `document.querySelector(".talk").textContent.includes("We close the gates.")`)
	n.same()
	n.press("\r")
	n.to("#close-code")
	n.press("settled")
	n.keeps(nil)
	n.press("\r")
	n.lands("/call", "main > .notice.good")
	s.until("it is ended at the other side", `document.getElementById("do-say") === null`)
}
