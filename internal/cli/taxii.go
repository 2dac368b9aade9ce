package cli

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entente/internal/node"
	"entente/taxii"
)

const (
	maxTAXIICredentials = 4 << 10 // a file with a credential, in bytes
	maxTAXIICA          = 1 << 20 // a file with certificates, in bytes
	taxiiCredentialsEnv = "ENTENTE_TAXII_CREDENTIALS"
)

// codeRemote is the code of a problem that lies at a server of somebody else's.
const codeRemote = "remote"

func (a *app) taxiiCommand() *cobra.Command {
	return group("taxii", "Read from and write to TAXII 2.1 servers of others",
		`URL is that of the server, of its discovery or of an API root: https://HOST/,
https://HOST/taxii2/, https://HOST/api1/. A collection is named by its id, alias or
title. The credential is in a file (--credentials) or in the environment
(`+taxiiCredentialsEnv+`), never on the command line: USER:PASSWORD, or
"Bearer TOKEN".`,
		[]string{"entente taxii collections https://taxii.example/", "entente taxii pull https://taxii.example/ indicators --import --state indicators.state",
			"entente taxii push https://taxii.example/ inbox bundle.json --dry-run"},
		a.taxiiCollections(), a.taxiiPull(), a.taxiiPush())
}

// taxiiLink are the flags of commands that talk to a TAXII server.
type taxiiLink struct {
	a                    *app
	credentials, ca, pin string
	hosts                []string
	plain                bool
	tries                int
}

func (a *app) taxiiFlags(cmd *cobra.Command) *taxiiLink {
	l := &taxiiLink{a: a}
	f := cmd.Flags()
	f.StringVar(&l.credentials, "credentials", "", "file with USER:PASSWORD or \"Bearer TOKEN\" that others cannot read (default: what $"+taxiiCredentialsEnv+" holds)")
	f.StringVar(&l.ca, "ca", "", "file with the certificates (PEM) of the authorities to trust, instead of the system's")
	f.StringVar(&l.pin, "pin", "", "SHA-256 (hex) of the server's public key: no other is talked to; without --ca it need not be certified")
	f.StringSliceVar(&l.hosts, "allow-host", nil, "further host (HOST or HOST:PORT) that API roots may lie on; it gets the credential, too")
	f.BoolVar(&l.plain, "allow-http", false, "send the credential over http:// to another machine, for all on the way to read")
	f.IntVar(&l.tries, "tries", 6, "how often a request is sent until it succeeds")
	return l
}

// client makes the client of a server.
func (l *taxiiLink) client(server string) (*taxii.Client, error) {
	authorize, err := l.authorize()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(server)
	if err != nil {
		return nil, usage("usage.no-server")
	}
	if u.Scheme == "http" && authorize != nil && !l.plain && !sameMachine(u.Hostname()) {
		return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "The credential is not sent over http:// to another machine.",
			Why: "All on the way to " + u.Host + " could read and use it.", Next: "Use https://, or say --allow-http if something else protects the way."}
	}
	config, err := l.tls()
	if err != nil {
		return nil, err
	}
	if l.tries < 1 || l.tries > 100 {
		return nil, usage("usage.between", "flag", "--tries", "low", "1", "high", "100")
	}
	c, err := taxii.NewClient(server, taxii.ClientOptions{
		HTTP: &http.Client{Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 20 * time.Second}).DialContext, TLSClientConfig: config,
			TLSHandshakeTimeout: 20 * time.Second, ResponseHeaderTimeout: 2 * time.Minute, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
		}},
		Authorize: authorize, Hosts: l.hosts, Tries: l.tries,
	})
	if err != nil {
		return nil, usage("usage.no-server")
	}
	return c, nil
}

// sameMachine tells whether what is sent to a host stays here.
func sameMachine(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// authorize reads the credential; nil: there is none.
func (l *taxiiLink) authorize() (func(*http.Request), error) {
	text, from := l.a.env(taxiiCredentialsEnv), "$"+taxiiCredentialsEnv
	if l.credentials != "" {
		from = l.credentials
		b, err := readSmall(l.credentials, maxTAXIICredentials, true)
		if err != nil {
			return nil, err
		}
		text = string(b)
	}
	text = strings.TrimSpace(text)
	if text == "" && l.credentials == "" {
		return nil, nil
	}
	scheme, token, spaced := strings.Cut(text, " ")
	user, password, colon := strings.Cut(text, ":")
	switch {
	case strings.ContainsAny(text, "\r\n") || text == "":
	case spaced && strings.EqualFold(scheme, "bearer") && strings.TrimSpace(token) != "":
		return taxii.TokenAuth(strings.TrimSpace(token)), nil
	case colon && user != "":
		return taxii.BasicAuth(user, password), nil
	}
	return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "There is no credential in " + from + ".",
		Why: "It is not one line of the form USER:PASSWORD or \"Bearer TOKEN\".", Next: "Write it so."}
}

// readSmall reads a small file that a person named. A secret one must not be readable by everybody.
func readSmall(name string, most int64, secret bool) ([]byte, error) {
	f, err := openFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	if secret && runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0 {
		return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "The credential in " + name + " is not used.",
			Why: "Everybody on this machine can read the file.", Next: "Take that away with 'chmod 600 " + name + "', and change the password if others were here."}
	}
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(b)) > most {
		return nil, tooLong(name, most)
	}
	return b, nil
}

// tls says whom to believe that they are the server.
func (l *taxiiLink) tls() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if l.ca != "" {
		text, err := readSmall(l.ca, maxTAXIICA, false)
		if err != nil {
			return nil, err
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, usage("usage.no-certificate", "file", l.ca)
		}
	}
	if l.pin == "" {
		return c, nil
	}
	want, err := hex.DecodeString(strings.ReplaceAll(l.pin, ":", ""))
	if err != nil || len(want) != sha256.Size {
		return nil, usage("usage.no-pin")
	}
	c.InsecureSkipVerify = l.ca == "" // the pinned key is who it is
	c.VerifyConnection = func(s tls.ConnectionState) error {
		got := sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo)
		if subtle.ConstantTimeCompare(got[:], want) != 1 {
			return &pinError{hex.EncodeToString(got[:])}
		}
		return nil
	}
	return c, nil
}

// pinError is a server with another key than the pinned one.
type pinError struct{ got string }

func (e *pinError) Error() string { return "the public key of the server has the SHA-256 " + e.got }

// taxiiError says for people what went wrong at a server.
func taxiiError(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	told := &node.Error{Code: codeRemote, Status: http.StatusBadGateway, What: "The TAXII server could not be asked.", Why: strings.TrimSuffix(err.Error(), ".") + ".", Err: err}
	var refused *taxii.ResponseError
	var pin *pinError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &refused):
		told.What, told.Next = "The TAXII server refused.", "Ask whoever runs it, with the time of this request."
		switch refused.Status {
		case http.StatusUnauthorized:
			told.Next = "Give a credential that it knows: --credentials FILE, or $" + taxiiCredentialsEnv + "."
		case http.StatusForbidden:
			told.Next = "The credential lacks a right; 'entente taxii collections URL' shows which there are."
		case http.StatusNotFound:
			told.Code, told.Status = node.CodeNotFound, http.StatusNotFound
			told.Next = "'entente taxii collections URL' shows what there is."
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			told.Next = "Come again later, or allow more --tries."
		}
	case errors.Is(err, taxii.ErrNoSuchCollection):
		told.Code, told.Status, told.What = node.CodeNotFound, http.StatusNotFound, "There is no such collection."
		told.Next = "'entente taxii collections URL' shows what there is."
	case errors.As(err, &pin):
		told.What, told.Next = "This is not the pinned server.", "If its key has changed, have the new one confirmed on another way before it is put after --pin."
	case errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &invalid):
		told.What, told.Next = "The server does not prove who it is.", "Name its authority with --ca FILE, or its key with --pin, both had on another way than this one."
	case errors.Is(err, taxii.ErrElsewhere):
		told.What, told.Next = "The server points to another host.", "Allow it with --allow-host HOST if that is meant: it then gets the credential, too."
	case errors.Is(err, taxii.ErrNotTAXII):
		told.What, told.Next = "This is no TAXII 2.1 server, or it is broken.", "Check the URL: its discovery is at https://HOST/taxii2/."
	case errors.Is(err, taxii.ErrTooLarge):
		told.What, told.Next = "An answer is too large.", "Ask for fewer objects at a time: --limit 100."
	case errors.Is(err, taxii.ErrNoProgress):
		told.What, told.Next = "The server goes round in circles.", "What came before is good. Tell whoever runs it."
	default:
		told.Next = "Check the address, and whether the server runs. What was done until then stays done."
	}
	return told
}

// taxiiServer is the answer of 'taxii collections'.
type taxiiServer struct {
	Server      string            `json:"server"`
	Roots       []taxiiRoot       `json:"roots"`
	Collections []taxiiCollection `json:"collections"`
}

type taxiiRoot struct {
	URL string `json:"url"`
	taxii.RootInfo
}

type taxiiCollection struct {
	Root string `json:"root"`
	taxii.CollectionInfo
}

func (a *app) taxiiCollections() *cobra.Command {
	var link *taxiiLink
	cmd := command{
		use: "collections URL", short: "List what a TAXII server has",
		long:     "Lists the collections of all API roots, or of the one that URL names, with what the\ncredential may do.",
		examples: []string{"entente taxii collections https://taxii.example/", "entente taxii collections https://taxii.example/api1/ --credentials taxii.secret --json"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			c, err := link.client(args[0])
			if err != nil {
				return err
			}
			r := taxiiServer{Server: args[0], Roots: []taxiiRoot{}, Collections: []taxiiCollection{}}
			roots, err := c.Roots(ctx)
			if err != nil {
				return taxiiError(err)
			}
			for _, root := range roots {
				info, err := c.Root(ctx, root)
				if err != nil {
					return taxiiError(err)
				}
				r.Roots = append(r.Roots, taxiiRoot{root, info})
				all, err := c.Collections(ctx, root)
				if err != nil {
					return taxiiError(err)
				}
				for _, col := range all {
					r.Collections = append(r.Collections, taxiiCollection{root, col})
				}
			}
			return a.show(r, func(p *printer) { writeCollections(p, &r) })
		},
	}.build()
	link = a.taxiiFlags(cmd)
	return cmd
}

func writeCollections(p *printer, r *taxiiServer) {
	for _, root := range r.Roots {
		p.gap()
		p.f("%s  %s", root.Title, root.URL)
		rows := [][]string{}
		for _, c := range r.Collections {
			if c.Root != root.URL {
				continue
			}
			may := []string{}
			if c.CanRead {
				may = append(may, p.t("cli.may-read"))
			}
			if c.CanWrite {
				may = append(may, p.t("cli.may-write"))
			}
			rows = append(rows, []string{"  " + c.ID, c.Alias, p.words().List(may), c.Title})
		}
		if len(rows) == 0 {
			p.say("  ", "cli.no-collections")
		}
		p.grid("  ", rows, "ui.id", "cli.alias", "cli.may", "ui.title")
	}
	if len(r.Roots) == 0 {
		p.say("", "cli.no-root")
	}
}
