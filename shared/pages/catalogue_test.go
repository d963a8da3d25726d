package pages

import (
	"errors"
	"html/template"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"text/template/parse"

	"golang.org/x/text/language"
)

// texts returns the texts of a catalogue by name.
func texts(s *speech) map[string]*template.Template {
	all := map[string]*template.Template{}
	for name, text := range s.catalogue() {
		all[name] = template.Must(template.New("").Parse(text)).Lookup(name)
	}
	return all
}

// Every language has every text and none too many, and a translation shows what the English text does: the same
// data, texts and links.
func TestCatalogueIsWhole(t *testing.T) {
	t.Parallel()
	entries, err := catalogues.ReadDir("texts")
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(speeches) {
		t.Errorf("there are %d catalogues and %d languages", len(entries), len(speeches))
	}
	english := texts(speeches[0])
	for _, s := range speeches {
		own := texts(s)
		for _, name := range slices.Sorted(maps.Keys(english)) {
			if own[name] == nil {
				t.Errorf("%s lacks the text %s", s.tag, name)
				continue
			}
			if got, want := shown(own[name].Tree.Root), shown(english[name].Tree.Root); !slices.Equal(got, want) {
				t.Errorf("%s: %s shows %q, want as in English %q", s.tag, name, got, want)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(own)) {
			if english[name] == nil {
				t.Errorf("%s has the text %s, which English does not have", s.tag, name)
			}
		}
	}
}

// shown returns what a text shows and where it leads, each once. How a language counts is its own business.
func shown(n parse.Node) []string {
	found := map[string]bool{}
	var walk func(parse.Node)
	walk = func(n parse.Node) {
		switch n := n.(type) {
		case *parse.ListNode:
			if n == nil {
				return
			}
			for _, c := range n.Nodes {
				walk(c)
			}
		case *parse.TextNode:
			for _, link := range strings.Split(string(n.Text), `href="`)[1:] {
				found["link "+link[:max(0, strings.IndexByte(link, '"'))]] = true
			}
		case *parse.ActionNode:
			walk(n.Pipe)
		case *parse.TemplateNode:
			found["text "+n.Name] = true
		case *parse.IfNode:
			walk(n.Pipe)
			walk(n.List)
			walk(n.ElseList)
		case *parse.WithNode:
			walk(n.Pipe)
			walk(n.List)
			walk(n.ElseList)
		case *parse.RangeNode:
			walk(n.Pipe)
			walk(n.List)
			walk(n.ElseList)
		case *parse.PipeNode:
			for _, c := range n.Cmds {
				for _, a := range c.Args {
					walk(a)
				}
			}
		case *parse.FieldNode:
			if n.String() != ".Few" && n.String() != ".N" && n.String() != ".Unit" {
				found[n.String()] = true
			}
		case *parse.StringNode:
			if n.Text != "days" && n.Text != "hours" && n.Text != "minutes" && n.Text != "seconds" {
				found[n.Quoted] = true
			}
		}
	}
	walk(n)
	return slices.Sorted(maps.Keys(found))
}

// The person's browser says which language, unless the client does; what nobody here speaks is English.
func TestLanguageIsThePersons(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ accept, locales, want string }{
		{"", "", "en"},
		{"de-AT,de;q=0.9,en;q=0.8", "", "de"},
		{"pt-BR", "", "pt"},
		{"zh-CN,zh;q=0.9", "", "zh-Hans"},
		{"ar-EG,ar;q=0.9", "", "ar"},
		{"en", "xx ja fr", "ja"},
		{"fr", "xx", "fr"},
		{"fr", strings.Repeat("de ", maxWishes), "fr"},
		{"en-GB,en;q=0.9,de;q=0.8", "", "en"},
		{"sv,*;q=0.1", "", "en"},
		{"*", "", "en"},
		{"nonsense;;q=", "", "en"},
		{strings.Repeat("de,", maxWishes), "", "en"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", c.accept)
		w := httptest.NewRecorder()
		With(Look{}, Errors(func(_ http.ResponseWriter, r *http.Request) error {
			Speak(r, c.locales)
			return errors.New("x")
		})).ServeHTTP(w, r)
		if want := `<html lang="` + c.want + `"`; !strings.Contains(w.Body.String(), want) {
			t.Errorf("Accept-Language %.40q, ui_locales %q: got %.60s, want %s", c.accept, c.locales, w.Body, want)
		}
		if got := w.Header().Get("Vary"); got != "Accept, Accept-Language" {
			t.Errorf("got Vary %q", got)
		}
	}
	if got := Languages()[0]; got != language.English {
		t.Errorf("got %s for everybody else, want English", got)
	}
}
