// Package approval lets a second person approve an offboarding's plan with an
// OpenSSH signature: who may sign, and which signatures count.
//
// A person signs a leaver.Statement with Sign, with SignWithAgent, or with OpenSSH itself:
//
//	ssh-keygen -Y sign -n leaver-approval@leaver.dev -f KEY STATEMENT
package approval

// Namespace is what a signature must be made for (ssh-keygen -n). A signature
// for another purpose, as git makes them, approves nothing.
const Namespace = "leaver-approval@leaver.dev"
