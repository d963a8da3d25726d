package upstream

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Claims are what a provider said of a person, for rules to look at. They are kept nowhere.
// A nil *Claims says nothing.
type Claims struct {
	// Values are decoded as [json.Decoder.UseNumber] does: string, bool, json.Number, []any,
	// map[string]any.
	Values map[string]any
	// UserClaim is the claim with the login that [User] rules are about, and GroupClaim the
	// one that lists groups; empty if the provider has none.
	UserClaim, GroupClaim string
	// EmailSaid is whether the provider said which address the person has verified, be it
	// none.
	EmailSaid bool
	// AbsentIsNo says that this provider leaves out what a person does not have. Otherwise a
	// claim that is not there says nothing.
	AbsentIsNo bool
	// Withheld are claims that the provider says it has left out.
	Withheld []string
}

func (c *Claims) isUser(login string) (yes, said bool) {
	if c.UserClaim == "" {
		return false, false
	}
	v, said := c.value(c.UserClaim)
	s, ok := v.(string)
	return ok && lowerASCII(s) == login, said
}

func (c *Claims) inGroup(group string) (yes, said bool) {
	if c == nil || c.GroupClaim == "" {
		return false, false
	}
	v, said := c.value(c.GroupClaim)
	above, pattern := strings.CutSuffix(group, below)
	return slices.ContainsFunc(texts(v), func(g string) bool {
		return g == group || pattern && strings.HasPrefix(g, above+"/")
	}), said
}

func (c *Claims) holds(name, value string) (yes, said bool) {
	if c == nil {
		return false, false
	}
	v, said := c.value(name)
	return slices.Contains(texts(v), value), said
}

// value returns a claim, by its whole name or, if there is none of that name, by a path with
// dots: realm_access.roles. said is whether the provider gave an answer.
func (c *Claims) value(name string) (v any, said bool) {
	if slices.Contains(c.Withheld, name) {
		return nil, false
	}
	if v, ok := c.Values[name]; ok {
		return v, v != nil || c.AbsentIsNo
	}
	v = c.Values
	for step := range strings.SplitSeq(name, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, c.AbsentIsNo
		}
		v = m[step]
	}
	return v, v != nil || c.AbsentIsNo
}

// texts returns a claim's value, or the values of its list, as they are written in a rule.
// Anything else is not what a rule can be about.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case bool:
		return []string{strconv.FormatBool(v)}
	case json.Number:
		return []string{v.String()}
	case []any:
		var out []string
		for _, one := range v {
			if _, nested := one.([]any); !nested {
				out = append(out, texts(one)...)
			}
		}
		return out
	}
	return nil
}
