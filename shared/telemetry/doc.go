// Package telemetry writes structured lines in Cloud Logging's shape.
//
// It owns the form of a line ([NewLogger]), what a request knows about itself
// ([Begin], [Add]: its id, its trace, the fields of its one line), and the names
// of security events ([Events], written by [Audit]). It leaves deciding what to
// log to the rooms, and the one line per request to the web edge.
//
// Secrets never get here: they are values that print as [redacted]. Text that a
// caller controls is a JSON string of bounded length, so it cannot forge a line.
package telemetry
