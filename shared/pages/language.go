package pages

import (
	"embed"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

// A speech is a language that pages speak, with its catalogue: its texts, by name.
type speech struct {
	tag       language.Tag
	catalogue func() map[string]string
}

// The catalogues, a file per language. A text is a template over the data of its page, so that a
// sentence may put things in its own order and count in its own way.
//
//go:embed texts
var catalogues embed.FS

// speeches are the languages, the one for everybody else first.
var speeches = []*speech{
	newSpeech(language.English), newSpeech(language.German), newSpeech(language.French), newSpeech(language.Spanish),
	newSpeech(language.Portuguese), newSpeech(language.Japanese), newSpeech(language.SimplifiedChinese),
	newSpeech(language.Arabic),
}

// newSpeech reads the catalogue when the language is first spoken: a start reads none.
func newSpeech(tag language.Tag) *speech {
	return &speech{tag, sync.OnceValue(func() map[string]string {
		file, err := catalogues.ReadFile("texts/" + tag.String() + ".html")
		if err != nil {
			panic(err)
		}
		texts := map[string]string{}
		for _, text := range strings.Split(string(file), define)[1:] {
			texts[quoted(text)] = define + strings.TrimSpace(text)
		}
		return texts
	})}
}

const define, use = `{{define "`, `template "`

// quoted is what stands before the next quotation mark.
func quoted(s string) string {
	name, _, _ := strings.Cut(s, `"`)
	return name
}

// with returns templates with those texts of the catalogue that they use. All texts are many
// times as many, and the first page of a process waits for them.
func (s *speech) with(templates string) string {
	texts, there := s.catalogue(), map[string]bool{}
	var all strings.Builder
	for more := templates; more != ""; {
		all.WriteString(more)
		uses := strings.Split(more, use)[1:]
		more = ""
		for _, u := range uses {
			if name := quoted(u); !there[name] {
				there[name] = true
				more += texts[name] // none of the frame's own
			}
		}
	}
	return all.String()
}

var matcher = sync.OnceValue(func() language.Matcher { return language.NewMatcher(Languages()) })

// Languages returns the languages that pages speak.
func Languages() []language.Tag {
	var tags []language.Tag
	for _, s := range speeches {
		tags = append(tags, s.tag)
	}
	return tags
}

// maxWishes is how much of a list of languages is read, in bytes.
const maxWishes = 512

// Speak has the pages of a request speak the first of locales that there is (ui_locales,
// OpenID Connect Core §3.1.2.1), and returns it. Without one they go by Accept-Language, and "" is
// returned. It needs [With].
func Speak(r *http.Request, locales string) string {
	if len(locales) > maxWishes {
		return ""
	}
	var tags []language.Tag
	for locale := range strings.FieldsSeq(locales) {
		if tag, err := language.Parse(locale); err == nil {
			tags = append(tags, tag)
		}
	}
	s := match(tags)
	if s == nil {
		return ""
	}
	visitOf(r).speaks = s
	return s.tag.String()
}

// speechOf returns the language of a request's pages.
func speechOf(r *http.Request) *speech {
	if s := visitOf(r).speaks; s != nil {
		return s
	}
	wishes := r.Header.Get("Accept-Language")
	if wishes == "" || len(wishes) > maxWishes {
		return speeches[0]
	}
	tags, _, err := language.ParseAcceptLanguage(wishes)
	if s := match(tags); err == nil && s != nil {
		return s
	}
	return speeches[0]
}

// match returns the language that is closest to one of tags, nil if none is close to any.
func match(tags []language.Tag) *speech {
	if len(tags) == 0 {
		return nil
	}
	_, i, confidence := matcher().Match(tags...)
	if confidence == language.No {
		return nil
	}
	return speeches[i]
}

// direction is how the language is written, as HTML says it.
func (s *speech) direction() string {
	if s.tag == language.Arabic {
		return "rtl"
	}
	return "ltr"
}
