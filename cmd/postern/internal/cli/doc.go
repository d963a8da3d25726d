// Package cli is what all commands have in common when they speak to somebody: tables
// for people and JSON for programs, words for counts and times, questions, progress,
// a log that can be read, and the exit status.
//
// It knows nothing of servers and records.
package cli
