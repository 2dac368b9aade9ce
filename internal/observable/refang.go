package observable

import "strings"

// fangs are the usual ways to make an indicator harmless to click, and what they
// stand for. Longer forms come first.
var fangs = [...][2]string{
	{"[://]", "://"}, {"(://)", "://"}, {"[:]//", "://"}, {"(:)//", "://"}, {"[:]", ":"}, {"(:)", ":"},
	{"[dot]", "."}, {"(dot)", "."}, {"{dot}", "."}, {"[.]", "."}, {"(.)", "."}, {"{.}", "."}, {"[.", "."}, {".]", "."},
	{"[at]", "@"}, {"(at)", "@"}, {"{at}", "@"}, {"[@]", "@"}, {"(@)", "@"}, {"{@}", "@"},
	{"[/]", "/"}, {"(/)", "/"},
}

// schemes are defanged schemes and what they stand for.
var schemes = [...][2]string{
	{"hxxps", "https"}, {"hxxp", "http"}, {"h**ps", "https"}, {"h**p", "http"}, {"htxps", "https"}, {"htxp", "http"},
	{"xxxps", "https"}, {"xxxp", "http"}, {"meows", "https"}, {"meow", "http"}, {"fxp", "ftp"},
}

// Refang undoes the usual ways of defanging: hxxp, [.], (dot), [:]//, [at], http:\\ and the
// like. It is for text that people write; values of observables are what they are.
// Refanging twice changes nothing more. Text longer than [MaxText] is left alone.
func Refang(s string) string {
	if len(s) > MaxText {
		return s
	}
	for { // one pass suffices but for nested forms; every further one shortens s
		t := refangOnce(s)
		if t == s {
			return s
		}
		s = t
	}
}

func refangOnce(s string) string {
	if strings.ContainsAny(s, "[]({") {
		var b strings.Builder
		for i := 0; i < len(s); {
			n := 0
			for _, f := range fangs {
				if len(s)-i >= len(f[0]) && strings.EqualFold(s[i:i+len(f[0])], f[0]) && !bracketedAddress(s, i, f[0]) {
					b.WriteString(f[1])
					n = len(f[0])
					break
				}
			}
			if n == 0 {
				b.WriteByte(s[i])
				n = 1
			}
			i += n
		}
		s = b.String()
	}
	for _, f := range schemes {
		if len(s) > len(f[0]) && s[len(f[0])] == ':' && strings.EqualFold(s[:len(f[0])], f[0]) {
			s = f[1] + s[len(f[0]):]
			break
		}
	}
	return slashes(s)
}

// slashes turns round what stands for :// in a URL that was taken out of JSON
// ("https:\/\/") or written with the wrong slash ("http:\\").
func slashes(s string) string {
	i := strings.IndexByte(s, ':')
	if i < 3 || i > 5 {
		return s
	}
	switch scheme, rest := strings.ToLower(s[:i]), s[i+1:]; {
	case scheme != "http" && scheme != "https" && scheme != "ftp":
	case strings.HasPrefix(rest, `\/\/`):
		return s[:i+1] + strings.ReplaceAll(rest, `\/`, "/")
	case strings.HasPrefix(rest, `\\`):
		return s[:i+1] + strings.ReplaceAll(rest, `\`, "/")
	}
	return s
}

// bracketedAddress keeps the closing half form ".]" from eating the end of an
// address in brackets.
func bracketedAddress(s string, i int, form string) bool {
	return form == ".]" && strings.LastIndexByte(s[:i], '[') >= 0 && strings.IndexByte(s[:i], ':') >= 0
}
