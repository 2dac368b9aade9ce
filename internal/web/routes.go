package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"entente/internal/accord"
	"entente/internal/node"
)

// route is one address of the pages: who may come, and what answers.
type route struct {
	pattern string     // of [http.ServeMux], with its method
	scope   node.Scope // that the session needs
	show    gather     // the page; of a form's address, the one that has the form
	act     act        // nil: a page that only shows
	long    bool       // the act may take minutes
	upload  bool       // the form ends with a file of any size, which the act reads as it comes
	raw     raw        // instead of both: what answers is no page
}

// longAct is how long an act may take that reads all there is.
const longAct = 15 * time.Minute

// raw answers with something that is no page. It fails before it writes, or not at all.
type raw func(http.ResponseWriter, *http.Request) error

// gather collects what a page shows: the name of its template, and what that is given.
type gather func(*http.Request) (string, *page, error)

// act does what a form asks for.
type act func(*http.Request) (outcome, error)

// outcome is what comes of a form that was right.
type outcome struct {
	to    string // the page to go on to; "" is the page with the form again
	done  string // the key of a text, done.<something>, that says what was done
	shown any    // what the page with the form shows of it: a dry run, a secret that is shown once
	empty bool   // what was typed is done with: the form is for the next one
	// cookie is set on the way on; nil: none.
	cookie *http.Cookie
}

// posted is an act whose form holds the request of a use case.
func posted[In any](do func(*http.Request, In) (outcome, error)) act {
	return func(r *http.Request) (outcome, error) {
		var in In
		if err := take(r, &in); err != nil {
			return outcome{}, err
		}
		out, err := do(r, in)
		x, acts := any(&in).(interface{ Act() *node.Acting })
		if !acts {
			return out, err
		}
		if held, ok := heldReady(x.Act(), err); ok {
			return held, nil
		}
		var gate *node.GateError
		if errors.As(err, &gate) && gate.Decision.Code == accord.CodeTwoPerson && !x.Act().HoldReady {
			err = lacksSecond{err}
		}
		return out, err
	}
}

// heldReady is where to go on after an act that waits for a second person.
func heldReady(a *node.Acting, err error) (outcome, bool) {
	id := a.HeldAs()
	return outcome{to: "/release" + string(query("id", id)), done: "done.held-ready"}, id != "" && err == nil
}

// lacksSecond is the gate's answer to an act that can be held ready for a second person.
type lacksSecond struct{ error }

func (e lacksSecond) Unwrap() error { return e.error }

// take reads what was posted into the request of a use case, in the name of who is signed in.
func take(r *http.Request, in any) error {
	claim, err := claimOf(r.PostForm)
	if err != nil {
		return err
	}
	if err := fill(in, r.PostForm, claimField); err != nil {
		return err
	}
	if x, ok := in.(interface{ Asks(node.Grant) }); ok {
		x.Asks(grantOf(r))
	}
	return actFor(grantOf(r), in, claim)
}

// look is a page that everybody may see who may look at all.
func look(pattern string, show gather) route {
	return route{pattern: pattern, scope: node.ScopeRead, show: show}
}

// routes are all addresses that ask for a session. A new one gets its row in TestRights.
func (h *handler) routes() []route {
	return slices.Concat(h.ownRoutes(), h.homeRoutes(), h.unitRoutes(), h.requestRoutes(), h.evidenceRoutes(), h.intelRoutes(), h.journalRoutes(), h.caseRoutes(), h.reviewRoutes(), h.dossierRoutes(), h.adminRoutes(), h.hotlineRoutes(), h.statementRoutes(), h.leakRoutes(), h.commitmentRoutes(), h.releaseRoutes(), h.watchRoutes())
}

func (h *handler) homeRoutes() []route {
	return []route{look("GET /{$}", h.home)}
}

// renewal is the header with which an open page asks for itself again: nobody did that by hand, so it does not keep
// a session from becoming idle.
const renewal = "X-Live"

type grantKey struct{}

// grantOf is what the session of a request may do.
func grantOf(r *http.Request) node.Grant {
	g, _ := r.Context().Value(grantKey{}).(node.Grant)
	return g
}

// serve makes a route answer: to a session that may, and to a form with the page that comes after it. A form
// that was refused is shown again with all that was typed.
func (h *handler) serve(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if rt.pattern == "GET /{$}" && r.URL.Query().Has("token") {
			h.enter(w, r, r.URL.Query().Get("token"))
			return
		}
		here, err := h.node.Here(r.Context())
		if err != nil {
			h.fail(w, r, nil, err)
			return
		}
		grant, ok := h.granted(r, cookieName(here.Party), r.Header.Get(renewal) == "")
		if !ok && h.keep(w, r, here, rt) {
			return
		}
		if !ok {
			h.askSignIn(w, r, http.StatusUnauthorized, here, signInData{Back: localPath(r)})
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), grantKey{}, grant))
		if !grant.May(rt.scope) {
			h.fail(w, r, here, mayNot(rt.scope))
			return
		}
		if rt.raw != nil {
			if err := h.handOut(w, r, rt, grant); err != nil {
				h.fail(w, r, here, err)
			}
			return
		}
		var out outcome
		code := http.StatusOK
		var problem *failure
		again := false
		if rt.act != nil {
			if rt.long { // where it cannot be set there is none
				_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(longAct))
			}
			sent := r.Body
			if rt.upload && !typed(r) {
				r.Body = steadyBody{r.Body, http.NewResponseController(w)}
			} else {
				r.Body = http.MaxBytesReader(nil, r.Body, maxForm)
				if err := r.ParseForm(); err != nil {
					r.Body = sent
					h.fail(w, r, here, badForm(err))
					return
				}
			}
			if typed(r) && typedByOther(r, grant) {
				resumed(r)
				err = errTypedByOther
			} else if again = resumed(r); !again {
				out, err = rt.act(r)
				h.audit(r, rt, grant, err)
			}
			r.Body = sent // what is left of it
			if err == nil && out.to != "" {
				if out.cookie != nil {
					out.cookie.Secure = isSecure(r)
					http.SetCookie(w, out.cookie)
				}
				http.Redirect(w, r, withDone(out.to, out.done), http.StatusSeeOther)
				return
			} else if err != nil {
				f := failureOf(err)
				problem, code = &f, f.Status
				f.hold(r, err)
				h.logFailure(r, f, err)
			}
		}
		as := h.node.Pulse() // before anything is gathered: a change meanwhile is one that the page may not show
		over, err := h.turn(r)
		if err != nil {
			h.fail(w, r, here, err)
			return
		}
		defer over()
		name, p, err := rt.show(r)
		if err != nil {
			over()
			h.fail(w, r, here, err)
			return
		}
		p.As = strconv.FormatUint(as, 16)
		p.Node, p.Grant, p.Problem, p.Shown = here, grant, problem, out.shown
		if !out.empty {
			p.Form = r.PostForm
		}
		p.Answer, p.Resumed = rt.act != nil, again
		if problem != nil {
			p.Found = ""
		}
		b := h.buffers.take()
		defer h.buffers.put(b)
		made := h.fill(b, w, r, name, p)
		over() // before it is sent: whoever reads slowly holds up nobody
		if made {
			h.answer(w, r, code, b)
		}
	}
}

// turn waits until a page may be made, and returns what lets the next one have its turn. Open pages ask all at once when something
// changed, and no more than a few of them are made at a time.
func (h *handler) turn(r *http.Request) (over func(), err error) {
	if r.Header.Get(renewal) == "" {
		return func() {}, nil
	}
	select {
	case h.renewing <- struct{}{}:
		return sync.OnceFunc(func() { <-h.renewing }), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// errCut: what was handed out broke off, and the connection with it.
var errCut = errors.New("cut off")

// handOut answers with what is no page, and puts into the audit log what more than looking is.
func (h *handler) handOut(w http.ResponseWriter, r *http.Request, rt route, g node.Grant) (err error) {
	if rt.scope != node.ScopeRead {
		defer func() {
			cut := recover()
			if cut != nil {
				err = errCut
			}
			r.PostForm = r.URL.Query() // what the deed is about
			h.audit(r, rt, g, err)
			if cut != nil {
				panic(cut)
			}
		}()
	}
	return rt.raw(w, r)
}

// mayNot is the answer to somebody who is signed in and asks for more than they may.
func mayNot(s node.Scope) error {
	return &node.Error{Code: "scope", Status: http.StatusForbidden, What: "This session may not be used for this.", Why: "It needs the scope " + string(s) + ".",
		Next: "Sign in as somebody who may, or ask an administrator."}
}
