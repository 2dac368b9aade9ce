package web

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"entente/internal/node"
)

const (
	maxForm   = 1 << 20 // bytes of a form; what is longer comes as a file
	maxFields = 1000    // values of a form
)

// zoneSuffix is behind the name of a field that says in which zone, or at which offset from UTC, a time was typed.
const zoneSuffix = ".zone"

func badForm(err error) error {
	return &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "The form cannot be read.", Why: err.Error() + ".", Next: "Go back and try again; a form holds at most 1 MiB, and what is longer comes as a file."}
}

// fill reads a form into the request of a use case, by the names that its fields have in JSON. What lies
// deeper has a dot in its name: by.agency, and fields.purpose for a key of a map. An empty value is one that
// was not given. Times are RFC 3339, or what a browser's field for them sends, with the zone or the offset beside it.
// A name that the request does not have is refused: nothing that was typed is lost without a word.
// What is in apart is read elsewhere.
func fill(in any, form url.Values, apart ...string) error {
	n := 0
	for name, values := range form {
		if slices.Contains(apart, name) {
			continue
		}
		if n += len(values); n > maxFields {
			return badForm(fmt.Errorf("there are more than %d values", maxFields))
		}
		if strings.HasSuffix(name, zoneSuffix) {
			continue
		}
		values = slices.DeleteFunc(slices.Clone(values), func(s string) bool { return strings.TrimSpace(s) == "" })
		if err := put(reflect.ValueOf(in).Elem(), strings.Split(name, "."), values, form.Get(name+zoneSuffix)); err != nil {
			return &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: fmt.Sprintf("The field %.100q of the form is wrong.", name), Why: err.Error() + ".", Next: "Mend it, and send the form again."}
		}
	}
	return nil
}

// put sets what path leads to. Without values nothing is set, but the name must exist.
func put(v reflect.Value, path []string, values []string, zone string) error {
	if len(path) > 0 {
		switch v.Kind() {
		case reflect.Struct:
			if f, ok := member(v, path[0]); ok {
				return put(f, path[1:], values, zone)
			}
		case reflect.Map:
			if v.Type().Key().Kind() != reflect.String {
				break
			}
			if len(values) == 0 {
				return nil
			}
			if v.IsNil() {
				v.Set(reflect.MakeMap(v.Type()))
			}
			e := reflect.New(v.Type().Elem()).Elem()
			if err := put(e, nil, values, zone); err != nil {
				return err
			}
			v.SetMapIndex(reflect.ValueOf(strings.Join(path, ".")).Convert(v.Type().Key()), e)
			return nil
		}
		return fmt.Errorf("there is no such field")
	}
	if len(values) == 0 {
		return nil
	}
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8 {
		for _, s := range values {
			e := reflect.New(v.Type().Elem()).Elem()
			if err := one(e, s, zone); err != nil {
				return err
			}
			v.Set(reflect.Append(v, e))
		}
		return nil
	}
	if len(values) > 1 {
		return fmt.Errorf("it is there %d times", len(values))
	}
	return one(v, values[0], zone)
}

// member is the field of a struct that has a name in JSON, that of an embedded struct too.
func member(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && tag == "" {
			if inner, ok := member(v.Field(i), name); ok {
				return inner, true
			}
		} else if tag == name && f.IsExported() {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func one(v reflect.Value, s, zone string) error {
	switch p := v.Addr().Interface().(type) {
	case *node.Claim:
		c, err := parseClaim(strings.TrimSpace(s))
		*p = c
		return err
	case *time.Time:
		t, err := typedTime(strings.TrimSpace(s), zone)
		*p = t
		return err
	case *time.Duration:
		d, err := time.ParseDuration(strings.TrimSpace(s))
		if err != nil {
			return fmt.Errorf("%.100q is no duration: write 90m or 36h", s)
		}
		*p = d
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.ReplaceAll(s, "\r\n", "\n")) // as browsers send the lines of a text
	case reflect.Bool:
		b, err := strconv.ParseBool(strings.Replace(s, "on", "true", 1))
		if err != nil {
			return fmt.Errorf("%.100q is neither true nor false", s)
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64, reflect.Int32:
		n, err := strconv.ParseInt(strings.TrimSpace(s), 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%.100q is no whole number", s)
		}
		v.SetInt(n)
	default:
		return fmt.Errorf("a form cannot give it")
	}
	return nil
}

// withDone adds to the address of a page what was done before it.
func withDone(to, done string) string {
	u, err := url.Parse(to)
	if err != nil || done == "" {
		return to
	}
	q := u.Query()
	q.Set("done", done)
	u.RawQuery = q.Encode()
	return u.String()
}
