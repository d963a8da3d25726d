//go:build race

package mcp

// ownAllocations is more with the race detector, which lets less stay on the stack.
const ownAllocations = 25
