package main

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/kit/tool"
)

// A shop has tools and packages that bring tools.
type shop struct {
	there     map[string]bool
	packages  map[string]string // package to tool
	installed []string
}

func (s *shop) tool(name string, required bool, debian ...string) tool.Tool {
	return tool.Tool{Name: name, Required: required, Path: func() (string, error) {
		if s.there[name] {
			return "/bin/" + name, nil
		}
		return "", &tool.Missing{What: name + " is missing", Get: "get " + name, Debian: debian}
	}}
}

func (s *shop) install(packages ...string) error {
	s.installed = append(s.installed, packages...)
	for _, p := range packages {
		if s.packages[p] == "" {
			return errors.New("apt-get install " + p + ": exit status 100")
		}
		s.there[s.packages[p]] = true
	}
	return nil
}

// What a missing tool leads to: tests left out and status 0, or, with CI=true and for
// required tools, an error that names the command, before anything is installed.
func TestMissingTools(t *testing.T) {
	const browser, emulator, git = "get browser", "get emulator", "get git"
	packaged, nothing := map[string]string{"browser.deb": "browser"}, map[string]string{}
	for _, c := range []struct {
		name      string
		ci        bool
		there     []string
		served    map[string]string // what apt-get has, nil where it may not be called
		failure   []string          // in the error
		left      []string          // in what the person reads
		installed []string
	}{
		{name: "all there", there: []string{"git", "browser", "emulator"}},
		{name: "one that cannot be installed", there: []string{"git", "browser"}, left: []string{emulator}},
		{name: "the same in CI", ci: true, there: []string{"git", "browser"}, failure: []string{emulator}},
		{name: "two in CI, nothing installed first", ci: true, there: []string{"git"}, served: packaged,
			failure: []string{emulator}},
		{name: "two, one of them installed", there: []string{"git"}, served: packaged,
			left: []string{emulator}, installed: []string{"browser.deb"}},
		{name: "installed in CI", ci: true, there: []string{"git", "emulator"}, served: packaged,
			installed: []string{"browser.deb"}},
		{name: "a package that is not to be had", there: []string{"git", "emulator"}, served: nothing,
			left: []string{browser, "exit status 100"}, installed: []string{"browser.deb"}},
		{name: "the same in CI", ci: true, there: []string{"git", "emulator"}, served: nothing,
			failure: []string{browser}, installed: []string{"browser.deb"}},
		{name: "no right to install", there: []string{"git", "emulator"}, left: []string{browser}},
		{name: "no right to install in CI", ci: true, there: []string{"git"}, failure: []string{browser, emulator}},
		{name: "a required one", there: []string{"browser", "emulator"}, failure: []string{git}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &shop{there: map[string]bool{}, packages: c.served}
			for _, name := range c.there {
				s.there[name] = true
			}
			var out bytes.Buffer
			m := machine{ci: c.ci, out: &out, tools: []tool.Tool{
				s.tool("git", true), s.tool("browser", false, "browser.deb"), s.tool("emulator", false),
			}}
			if c.served != nil {
				m.install = s.install
			}
			err := m.ready()
			if (err != nil) != (len(c.failure) > 0) {
				t.Fatalf("got error %v, want one with %q", err, c.failure)
			}
			for _, want := range c.failure {
				if !strings.Contains(err.Error(), "to get it: "+want) {
					t.Errorf("got error %v, want it to name %q", err, want)
				}
			}
			for _, want := range c.left {
				if !strings.Contains(out.String(), want) {
					t.Errorf("the person reads %q, want %q in it", &out, want)
				}
			}
			if len(c.left) == 0 && out.Len() > 0 && err == nil {
				t.Errorf("the person reads %q, want nothing", &out)
			}
			if !slices.Equal(s.installed, c.installed) {
				t.Errorf("installed %v, want %v", s.installed, c.installed)
			}
		})
	}
}
