// Package otlp sends traces and metrics of what functions do to a collector, by OpenTelemetry's
// protocol over HTTP. It is the one [telemetry.Observer].
//
// What is observed says package telemetry, whose callers know nothing of OpenTelemetry: a
// function without a collector pays for the check of a nil, and wellknown does not link this.
//
// A function has the processor only while it answers, so what a request did is sent before
// its answer ends (flush.go). A program that goes on working sends now and then, as
// OpenTelemetry's SDK does by itself.
package otlp
