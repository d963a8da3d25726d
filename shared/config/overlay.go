package config

import "maps"

// Map returns a lookup over a map, which is copied.
func Map(values map[string]string) func(string) (string, bool) {
	values = maps.Clone(values)
	return func(name string) (string, bool) {
		v, ok := values[name]
		return v, ok
	}
}

// Overlay returns a lookup that asks each lookup in turn and takes the first
// value that is not empty.
func Overlay(lookups ...func(string) (string, bool)) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, l := range lookups {
			if v, ok := l(name); ok && v != "" {
				return v, true
			}
		}
		return "", false
	}
}
