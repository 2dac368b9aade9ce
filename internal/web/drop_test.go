package web

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// drop lets go of a file over something in the page, as a person does who dragged it there from a folder.
func (w *walker) drop(selector, file string) {
	w.t.Helper()
	w.do(chromedp.Do(w.ctx, chromedp.Query(selector, chromedp.NodeVisible)))
	at, err := chromedp.Run(w.ctx, chromedp.Evaluate[[]float64](fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		e.scrollIntoView({block: "center", behavior: "instant"});
		const b = e.getBoundingClientRect();
		return [b.x + b.width / 2, b.y + b.height / 2];
	})()`, selector)))
	w.do(err)
	const copies = 1 // the bit of DataTransfer.dropEffect "copy"
	for _, typ := range []input.DispatchDragEventType{input.DispatchDragEventTypeDragEnter, input.DispatchDragEventTypeDragOver, input.DispatchDragEventTypeDrop} {
		_, err := chromedp.Call(w.ctx, input.DispatchDragEvent, input.DispatchDragEventParams{Type: typ, X: at[0], Y: at[1],
			Data: &input.DragData{Items: []*input.DragDataItem{}, Files: []string{file}, DragOperationsMask: copies}})
		w.do(err)
	}
}

// TestImportByDragAndDrop: a file that is dropped on the page is chosen by it, and imported by the same form, in two languages.
func TestImportByDragAndDrop(t *testing.T) {
	file := filepath.Join(t.TempDir(), "found.json")
	if err := os.WriteFile(file, []byte(`{"type":"bundle","objects":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	w := walk(t, story{})
	for _, tag := range []string{"en", "vi"} {
		w.open("/import?lang=" + tag)
		w.drop("#file", file)
		chosen, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](`[...document.getElementById("file").files].map((f) => f.name + " " + f.size).join()`))
		w.do(err)
		if want := "found.json 30"; chosen != want {
			t.Fatalf("%s: dropped, the field has %q, want %q", tag, chosen, want)
		}
		w.click(`form[action="/import"] button`, "#seen")
		w.look("import-dropped-" + tag)
	}
}
