// Package config reads settings from an environment.
//
// It owns the one table of settings ([Settings]): name, form, default, what
// unset means. docs/configuration.md is written from it. A [Reader] collects
// every problem and reports all at once, so that an operator corrects a
// deployment in one go. What a value means beyond its form (an origin, a list
// of who may enter, a store) belongs to the room that uses it, by [Parse].
//
// Parsing does no I/O: a file's name is checked, the file is read on first use.
package config

//go:generate go run ./gendocs
