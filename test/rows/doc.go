// Package rows keeps docs/threats.md, docs/field-cases.md and docs/mcp-duties.md and
// the code to one truth: an id that code or tests name has a row there, and a row that
// says "tested" is named by a test. It holds tests only.
//
//	page_test.go     the rows of a page
//	mention_test.go  the ids in a file
//	check_test.go    what is wrong between the two
//	rows_test.go     the same for this repository
package rows
