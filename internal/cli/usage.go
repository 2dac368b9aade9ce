package cli

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"entente/internal/api"
	"entente/internal/lang"
)

// usageError is a command line that cannot be understood: a text of the catalogs with what fills it, so that it is told in the
// reader's language.
type usageError struct {
	key  string
	args []any
}

func usage(key string, args ...any) error { return &usageError{key, args} }

// Error is the sentence in English.
func (e *usageError) Error() string { return e.text(lang.English()) }

func (e *usageError) text(c *lang.Catalog) string { return c.Text(e.key, e.args...) }

// failUsage tells what is wrong with a command line, what was expected, and how to get help. cmd is the command it was meant for.
func (a *app) failUsage(err error, cmd *cobra.Command) int {
	c := a.catalog()
	u := &usageError{"usage.other", []any{"reason", err.Error()}} // of a library, which has a type for each that is known
	errors.As(err, &u)
	what := u.text(c)
	help := c.Text("usage.help", "command", cmd.CommandPath()+" --help")
	if a.json {
		a.problem(&api.Problem{Type: "urn:entente:problem:usage", Title: c.Text("problem.usage"), Status: http.StatusBadRequest, Detail: what, Next: help, Code: "usage"})
		return exitUsage
	}
	fmt.Fprintf(a.err, "entente: %s\n  %s\n  %s\n", cleanLine(what), cleanLine(c.Text("usage.is", "use", cmd.UseLine())), cleanLine(help))
	return exitUsage
}

// positional says of arguments that a command does not take which is wrong, and what could stand there.
func positional(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) == nil {
			return nil
		}
		for _, word := range args {
			if len(cmd.ValidArgs) > 0 && !slices.Contains(cmd.ValidArgs, word) {
				return usage("usage.not-one-of", "word", word, "words", join(cmd.ValidArgs))
			}
		}
		for i := len(args) - 1; i >= 0; i-- {
			if check(cmd, args[:i]) == nil {
				return usage("usage.surplus", "word", args[i])
			}
		}
		return usage("usage.missing")
	}
}

// flagUsage puts what is wrong with a flag into words of the catalogs.
func flagUsage(err error) error {
	var (
		unknown *pflag.NotExistError
		bare    *pflag.ValueRequiredError
		bad     *pflag.InvalidValueError
		syntax  *pflag.InvalidSyntaxError
	)
	switch {
	case errors.As(err, &unknown):
		return usage("usage.no-flag", "flag", typedFlag(unknown.GetSpecifiedName(), unknown.GetSpecifiedShortnames()))
	case errors.As(err, &bare):
		return usage("usage.no-value", "flag", typedFlag(bare.GetSpecifiedName(), bare.GetSpecifiedShortnames()))
	case errors.As(err, &bad):
		key := "usage.bad-value"
		switch bad.GetFlag().Value.Type() {
		case "int", "int64", "uint", "float64":
			key = "usage.bad-number"
		case "duration":
			key = "usage.bad-duration"
		case "bool":
			key = "usage.bad-bool"
		}
		return usage(key, "flag", "--"+bad.GetFlag().Name, "value", bad.GetValue())
	case errors.As(err, &syntax):
		return usage("usage.bad-flag", "flag", syntax.GetSpecifiedFlag())
	}
	return err
}

// typedFlag is a flag as it was typed: by its name, or as a letter of several behind one dash.
func typedFlag(name, letters string) string {
	if letters != "" {
		return "-" + name
	}
	return "--" + name
}

// alone refuses flags of which one at most may be given.
func alone(cmd *cobra.Command, flags []string) error {
	var given []string
	for _, name := range flags {
		if cmd.Flags().Changed(name) {
			given = append(given, "--"+name)
		}
	}
	if len(given) > 1 {
		return usage("usage.not-both", "flags", join(given))
	}
	return nil
}

// unknown is a word where the name of a command should stand.
func unknown(cmd *cobra.Command, word string) error {
	cmd.SuggestionsMinimumDistance = 2
	if s := cmd.SuggestionsFor(word); len(s) > 0 {
		return usage("usage.did-you-mean", "word", strconv.Quote(word), "command", strconv.Quote(s[0]))
	}
	return usage("usage.no-command", "word", strconv.Quote(word), "commands", childNames(cmd))
}

func childNames(cmd *cobra.Command) string {
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	return strings.Join(names, ", ")
}

// completes names the values of a flag, for the completion of shells.
func completes(cmd *cobra.Command, flag string, values ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // it fails if there is no such flag, or twice; then nothing completes
}
