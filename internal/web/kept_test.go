package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Who was signed out before a form was sent gets what they typed back, goes on to the form with it once they are signed in again, and nothing
// is done before they send it. No secret is in the page, and nothing that another site sends.
func TestFormsOutliveTheirSession(t *testing.T) {
	in := signedIn(t, story{})
	out := &visitor{h: in.h}
	const text = "Nobody <b>here</b> knows; \"we\" ask + wait."
	form := url.Values{"unit": {unitID}, "id": {"3f9a12c0-7"}, "move": {"dispute"}, "text": {text}, "dry_run": {"true"}}
	resp, body := out.postRaw(t, "/request/move", form)
	if resp.StatusCode != http.StatusUnauthorized || !strings.Contains(body, `action="/request/move"`) || !strings.Contains(body, `name="text" value="`+escaped(text)+`"`) || strings.Contains(body, "dry_run") {
		t.Fatalf("%d: %s", resp.StatusCode, body)
	}
	if !strings.Contains(body, `name="resume-form" value="true"`) || !strings.Contains(body, `target="_blank"`) {
		t.Errorf("there is no way back: %s", body)
	}
	form.Del("dry_run")
	form.Set(resumeField, "true")
	if resp, again := out.postRaw(t, "/request/move", form); resp.StatusCode != http.StatusUnauthorized || strings.Count(again, resumeField) != 1 {
		t.Errorf("too early: %d: %s", resp.StatusCode, again)
	}
	resp, body = in.postRaw(t, "/request/move?lang=en", form)
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, `id="resumed"`) || !strings.Contains(body, escaped(text)+"</textarea>") || strings.Contains(body, resumeField) {
		t.Errorf("signed in again: %d: %s", resp.StatusCode, body)
	}
	form.Del(resumeField)
	form.Set("move", "acknowledge")
	if resp, _ := in.postRaw(t, "/request/move", form); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("sent: %d", resp.StatusCode)
	}
	// What is secret, and what is no form, is asked for anew.
	for path, values := range map[string]url.Values{"/profile/password": {"password": {"a secret thing"}}, "/admin/notify/set": {"secret": {"a secret thing"}, "name": {"desk"}}} {
		if _, body := out.postRaw(t, path, values); strings.Contains(body, "a secret thing") {
			t.Errorf("%s: %s", path, body)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/request/move", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "text/plain")
	if resp := out.do(r); resp.StatusCode != http.StatusUnauthorized || strings.Contains(readAll(t, resp), "resume-form") {
		t.Errorf("no form: %d", resp.StatusCode)
	}
	r = httptest.NewRequest(http.MethodPost, "/request/move", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if resp := out.do(r); resp.StatusCode != http.StatusForbidden || strings.Contains(readAll(t, resp), "Nobody") {
		t.Errorf("another site: %d", resp.StatusCode)
	}
	form.Set("text", strings.Repeat("x", maxForm))
	if resp, body := out.postRaw(t, "/request/move", form); resp.StatusCode != http.StatusBadRequest || len(body) > maxForm {
		t.Errorf("too much: %d, %d bytes", resp.StatusCode, len(body))
	}
	if resp, _ := in.postRaw(t, "/request/move", url.Values{resumeField: {"true"}, "text": {strings.Repeat("x", maxForm)}}); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("too much, signed in: %d", resp.StatusCode)
	}
	for _, tag := range []string{"fr", "ru", "zh-Hans", "vi"} {
		if _, body := out.postRaw(t, "/request/move?lang="+tag, url.Values{"text": {"x"}}); !strings.Contains(body, `<html lang="`+tag+`"`) || strings.Contains(body, ">ui.") {
			t.Errorf("%s: %s", tag, body)
		}
	}
}

// What one officer typed is not sent in the name of another who signed in since in the same browser, until they send it themselves.
func TestFormsOfAnother(t *testing.T) {
	v := signedIn(t, story{})
	_, page := v.get(t, "/request?unit="+unitID+"&id=3f9a12c0-7")
	_, rest, _ := strings.Cut(page, `class="who" data-as="`)
	own, _, _ := strings.Cut(rest, `"`)
	if own == "" {
		t.Fatal("the page does not say whose it is")
	}
	const text = "Nobody here knows."
	for _, resume := range []bool{false, true} {
		form := url.Values{typedByField: {"another"}, "unit": {unitID}, "id": {"3f9a12c0-7"}, "move": {"acknowledge"}, "text": {text}}
		if resume {
			form.Set(resumeField, "true")
		}
		resp, body := v.postRaw(t, "/request/move", form)
		if resp.StatusCode != http.StatusConflict || !strings.Contains(body, "somebody else typed this") || !strings.Contains(body, text) || strings.Contains(body, typedByField) {
			t.Errorf("of another: %d: %s", resp.StatusCode, body)
		}
		form.Set(typedByField, own)
		form.Del(resumeField)
		if resp, _ := v.postRaw(t, "/request/move", form); resp.StatusCode != http.StatusSeeOther {
			t.Errorf("their own: %d", resp.StatusCode)
		}
	}
}

// A form that a page does not have any more, because its move was made meanwhile, is refused with what was typed.
func TestRefusedFormsLoseNothing(t *testing.T) {
	v := signedIn(t, story{})
	const text = "It was <us> & \"others\"+more\r\nand so on."
	shown := strings.ReplaceAll(escaped(text), "\r", "")
	form := url.Values{"unit": {unitID}, "id": {"3f9a12c0-7"}, "move": {"close"}, "text": {text}}
	resp, body := v.postRaw(t, "/request/move", form)
	if resp.StatusCode != http.StatusConflict || !strings.Contains(body, `id="typed"`) || strings.Count(body, shown) != 1 {
		t.Errorf("%d: %s", resp.StatusCode, body)
	}
	form.Set("move", "dispute")
	form.Set("nonsense", "a word or two")
	resp, body = v.postRaw(t, "/request/move", form)
	if resp.StatusCode != http.StatusBadRequest || strings.Count(body, shown) != 1 || !strings.Contains(body, shown+"</textarea>") || strings.Count(body, "a word or two") != 1 {
		t.Errorf("%d: %s", resp.StatusCode, body)
	}
}
