package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/postern-dev/postern/test/kit/tool"
)

// A machine is where tools are looked for and installed.
type machine struct {
	// ci makes every tool a required one.
	ci    bool
	tools []tool.Tool
	// install installs Debian's packages; nil where that is not possible.
	install func(packages ...string) error
	out     io.Writer
}

// ready installs what can be. An error names the tools that stay missing and must not;
// those that may are told to the person.
func (m machine) ready() error {
	lacking := m.look()
	hopeless := func(l lack) bool { return m.must(l) && !m.installable(l) }
	if err := join(lacking, hopeless); err != nil {
		return err
	}
	if slices.ContainsFunc(lacking, m.installable) {
		m.installAll(lacking)
		lacking = m.look()
	}
	if err := join(lacking, m.must); err != nil {
		return err
	}
	for _, l := range lacking {
		fmt.Fprintf(m.out, "without %s its tests are left out: %v\n", l.tool.Name, l.err)
	}
	return nil
}

// installAll goes on after a failure, of which the person reads.
func (m machine) installAll(lacking []lack) {
	for _, l := range lacking {
		if !m.installable(l) {
			continue
		}
		if err := m.install(l.packages()...); err != nil {
			fmt.Fprintln(m.out, err)
		}
	}
}

// A lack is a tool that was not found, and why.
type lack struct {
	tool tool.Tool
	err  error
}

func (m machine) look() []lack {
	var lacking []lack
	for _, t := range m.tools {
		if _, err := t.Path(); err != nil {
			lacking = append(lacking, lack{t, err})
		}
	}
	return lacking
}

func (m machine) must(l lack) bool { return m.ci || l.tool.Required }

func (m machine) installable(l lack) bool { return m.install != nil && len(l.packages()) > 0 }

// packages are those of Debian that bring the tool.
func (l lack) packages() []string {
	var missing *tool.Missing
	if !errors.As(l.err, &missing) {
		return nil
	}
	return missing.Debian
}

// join joins the errors of those that which says yes to.
func join(lacking []lack, which func(lack) bool) error {
	var errs []error
	for _, l := range lacking {
		if which(l) {
			errs = append(errs, l.err)
		}
	}
	return errors.Join(errs...)
}
