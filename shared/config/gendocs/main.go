// Command gendocs writes docs/configuration.md from the table of settings. It
// finds the workspace's root by its go.work, so it runs from any directory.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/manifest"
)

const page = "docs/configuration.md"

func main() {
	log.SetFlags(0)
	root, err := findRoot()
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, page), []byte(render(config.Settings)), 0o644); err != nil {
		log.Fatal(err)
	}
}

func findRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.work in any directory above")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

const intro = `# Configuration

<!-- Written by go run ./shared/config/gendocs from the table in shared/config. Change the table. -->

Every function reads its settings from its environment, once, at start. A setting that is set to nothing counts as
unset. All problems are reported together, each with the name, what is there and what is wanted; a secret is never a
value, always a file.

On Cloud Run a function with a problem does not start, so a bad revision takes no traffic. ` +
	"`postern dev`" + ` with
nothing set brings its own store, keys and development sign-in.

| setting | unset means | read by |
|---|---|---|
`

func render(settings []config.Setting) string {
	var b strings.Builder
	b.WriteString(intro)
	for _, s := range settings {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s |\n", s.Name, strings.ToLower(s.Name), unset(s), readers(s.Name))
	}
	for _, s := range settings {
		fmt.Fprintf(&b, "\n## `%s`\n\n%s\n\n%s\n", s.Name, wrap(s.Doc), wrap(form(s)))
	}
	return b.String()
}

// readers says which functions read a setting.
func readers(setting string) string {
	names := manifest.Readers(setting)
	if len(names) == len(manifest.Functions) {
		return "all"
	}
	return strings.Join(names, ", ")
}

func unset(s config.Setting) string {
	switch {
	case s.Required:
		return "a problem, where it is needed"
	case s.Default != "":
		return "`" + s.Default + "`"
	}
	return "see below"
}

func form(s config.Setting) string {
	line := "Wanted: " + s.Form() + "."
	if s.Example != "" {
		line += " Example: `" + s.Name + "=" + s.Example + "`."
	}
	return line
}

// word is what stands in one line: also `code with spaces`.
var word = regexp.MustCompile("(?:`[^`]*`|[^ `])+")

// wrap breaks a paragraph into lines of at most 120 columns.
func wrap(text string) string {
	var lines []string
	for _, w := range word.FindAllString(text, -1) {
		last := len(lines) - 1
		if last < 0 || utf8.RuneCountInString(lines[last]+" "+w) > 120 {
			lines = append(lines, w)
			continue
		}
		lines[last] += " " + w
	}
	return strings.Join(lines, "\n")
}
