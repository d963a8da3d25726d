package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/pflag"
)

// An Answer is what a command says to programs. All its members are there whatever
// happens; docs/operations.md promises it.
type Answer struct {
	// Source is what was asked: the store, the place of the rings, or the origin of a
	// server. It is empty if the command failed before it knew.
	Source string `json:"source"`
	// Items are what was asked for: the rows of a list, or the one thing that was
	// shown or done.
	Items []any `json:"items"`
	// Unreadable counts the records that could not be opened, and so are not among Items.
	Unreadable int `json:"unreadable"`
	// Warnings are what has to be known besides.
	Warnings []string `json:"warnings"`
	// Error is nil for a command that ended with exit status 0.
	Error *string `json:"error"`
}

// An Output is where one command speaks: tables for people, or one [Answer] for
// programs.
type Output struct {
	In io.Reader
	// Out and Err may be written to while progress is shown.
	Out, Err io.Writer
	// Interactive says that there is a person who can be asked.
	Interactive bool
	// JSON says that Out is read by a program.
	JSON bool

	answer   Answer
	progress *progress
}

// New returns the output of a command with these streams.
func New(in io.Reader, out, err io.Writer) *Output {
	p := newProgress(err, isTerminal(err))
	return &Output{
		In: in, Out: beside{out, p}, Err: beside{err, p}, Interactive: isTerminal(in) && isTerminal(err),
		answer: Answer{Items: []any{}, Warnings: []string{}}, progress: p,
	}
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// Bind makes the flag that chooses JSON.
func (o *Output) Bind(flags *pflag.FlagSet) {
	flags.BoolVar(&o.JSON, "json", false, "JSON for programs instead of a table")
}

// From says what is asked, before it is.
func (o *Output) From(source string) { o.answer.Source = source }

// Show shows items to programs, and rows under a heading, which may be nil, to people.
func (o *Output) Show(items []any, heading []string, rows [][]string) error {
	if o.JSON {
		o.answer.Items = append(o.answer.Items, items...)
		return nil
	}
	return Table(o.Out, heading, rows)
}

// Say shows item to programs, and a sentence in the words of fmt.Sprintf to people.
func (o *Output) Say(item any, format string, args ...any) error {
	return o.Show([]any{item}, nil, [][]string{{fmt.Sprintf(format, args...)}})
}

// Warn tells people, on Err, and programs what has to be known besides.
func (o *Output) Warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	o.answer.Warnings = append(o.answer.Warnings, text)
	o.Note("%s", text)
}

// Note tells people something on Err.
func (o *Output) Note(format string, args ...any) {
	fmt.Fprintf(o.Err, format+"\n", args...)
}

// Unreadable counts records that could not be opened.
func (o *Output) Unreadable(n int) { o.answer.Unreadable += n }

// Finish ends a command that returned err. It writes the answer for programs and returns
// err.
func (o *Output) Finish(err error) error {
	if !o.JSON {
		return err
	}
	if err != nil {
		o.answer.Error = new(err.Error())
	}
	e := json.NewEncoder(o.Out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return errors.Join(err, e.Encode(o.answer))
}

// Confirm asks a person before something that cannot be undone, unless yes was said
// already. Where nobody can be asked it refuses.
func (o *Output) Confirm(yes bool, question string) error {
	if yes {
		return nil
	}
	if !o.Interactive {
		return Usage("%s Nobody can be asked here, so nothing was changed: add --yes to go on", question)
	}
	defer o.progress.pause()()
	fmt.Fprintf(o.Err, "%s Type yes to go on: ", Plain(question))
	answer, err := bufio.NewReader(o.In).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w; nothing was changed", err)
	}
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("the answer was not yes: nothing was changed")
	}
	return nil
}
