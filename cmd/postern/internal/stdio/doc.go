// Package stdio puts a command that speaks MCP over its standard input and output behind
// the endpoint, for postern serve and dev.
//
// Such a server was written for the one person who starts it: what it keeps in memory, and
// what it says to nobody in particular, is theirs. So each person has a process of the
// command, started for their first call and ended when it has been idle (people.go). What
// two clients of one person send goes to the same process, under ids of ours (peer.go).
//
// To package mcp it is an author's server whose methods are answered by the process
// (relay.go): who may call, revisions of MCP, streams and errors are settled there, as for
// tools in Go. Who calls is told in each message and in the environment (caller.go).
//
// The framing is the SDK's (mcp.IOTransport). Its command transport is not used: it ends
// one process, where a package runner leaves a second one behind, and it takes one line
// that is not JSON, which many servers print, for the end.
package stdio
