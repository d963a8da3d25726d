// Package storecopy moves the records of a running server from one store to another, whatever
// keeps them.
//
// A copy is passes over both stores. A pass makes the target as the source is: it copies what is
// new or changed, as it is, and deletes what is gone. As long as the source is in use every
// pass leaves less to do. Then the source is closed, which its servers keep to
// ([driver.Guard]), and passes go on until one finds both the same, byte for byte. Then the
// source answers nothing any more, and after that the target is in use: at no time do both
// answer.
//
// What a copy did is in the stores alone, so it may end anywhere and be started again.
package storecopy
