// Package strict reads what callers send, with one meaning or not at all: two programs that
// read the same bytes must not understand two things.
//
//	ReadForm  Query        parameters, each at most once
//	ReadJSON  DecodeJSON   one JSON value
//
// An error is a refusal that says what to change.
package strict
