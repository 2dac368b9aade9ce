// Package webtest finds the browser that tests look at pages with.
package webtest

import (
	"os/exec"
	"testing"
)

// windowed are the names of programs that will do, in the order in which they are tried.
var windowed = []string{"chromium", "chromium-browser", "google-chrome", "chrome"}

// windowless are those without windows: of the same engine, they show the same pages in half of the time of the processor.
var windowless = []string{"chromium-headless-shell", "chrome-headless-shell"}

// Window is the path of a browser with windows, for who looks at where in its window something is: how far a press of Tab scrolls is not
// the same without one. Without a browser the test is skipped by name, and says what nobody did then.
func Window(t testing.TB, undone string) string {
	t.Helper()
	return first(t, undone, windowed)
}

// Browser is the path of a browser, without windows if there is one. Without a browser the test is skipped as by Window.
func Browser(t testing.TB, undone string) string {
	t.Helper()
	return first(t, undone, windowless, windowed)
}

func first(t testing.TB, undone string, lists ...[]string) string {
	t.Helper()
	for _, names := range lists {
		for _, name := range names {
			if path, err := exec.LookPath(name); err == nil {
				return path
			}
		}
	}
	t.Skipf("SKIPPED %s: no chromium on this machine, so %s", t.Name(), undone)
	return ""
}
