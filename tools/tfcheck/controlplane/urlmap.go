package controlplane

import (
	"net/http"
	"strings"
)

// Google's limits on a path template.
const (
	maxTemplate  = 255
	maxWildcards = 5
)

// urlMapRefused says why Google does not take a url map, by what is documented of its rules.
func urlMapRefused(r *call) error {
	if err := linksExist(r); err != nil {
		return err
	}
	named := map[string]bool{}
	for _, matcher := range list(r.body, "pathMatchers") {
		named[str(matcher, "name")] = true
		if err := matcherRefused(matcher); err != nil {
			return err
		}
	}
	for _, rule := range list(r.body, "hostRules") {
		if name := str(rule, "pathMatcher"); !named[name] {
			return invalid("hostRules refers to the path matcher '%s', which is not there", name)
		}
	}
	return nil
}

func invalid(format string, args ...any) error {
	return refuse(http.StatusBadRequest, "Invalid value for field 'resource': "+format, args...)
}

// matcherRefused: rules are of one kind, each has a priority of its own and says how a path matches.
func matcherRefused(matcher any) error {
	rules := list(matcher, "routeRules")
	if len(rules) > 0 && len(list(matcher, "pathRules")) > 0 {
		return invalid("only one of pathRules and routeRules may be there")
	}
	taken := map[string]bool{}
	for _, rule := range rules {
		priority := number(rule, "priority")
		if taken[priority] {
			return invalid("two routeRules have the priority %s", priority)
		}
		taken[priority] = true
		for _, match := range list(rule, "matchRules") {
			if err := matchRefused(match); err != nil {
				return err
			}
		}
	}
	return nil
}

func matchRefused(match any) error {
	said := 0
	for _, field := range []string{"fullPathMatch", "prefixMatch", "pathTemplateMatch", "regexMatch"} {
		if value := str(match, field); value != "" {
			said++
			if !strings.HasPrefix(value, "/") || strings.ContainsAny(value, "?#") {
				return invalid("%s is '%s'", field, value)
			}
		}
	}
	if said != 1 {
		return invalid("a matchRule has %d of fullPathMatch, prefixMatch, pathTemplateMatch and regexMatch, want one", said)
	}
	return templateRefused(str(match, "pathTemplateMatch"))
}

// templateRefused: whole segments are wildcards, few of them, and ** is the last.
func templateRefused(template string) error {
	wildcards := 0
	segments := strings.Split(template, "/")
	for i, segment := range segments {
		switch {
		case segment == "*" || segment == "**" && i == len(segments)-1:
			wildcards++
		case strings.ContainsAny(segment, "*{}"):
			return invalid("pathTemplateMatch '%s' has the segment '%s'", template, segment)
		}
	}
	if len(template) > maxTemplate || wildcards > maxWildcards {
		return invalid("pathTemplateMatch '%s' is too long", template)
	}
	return nil
}
