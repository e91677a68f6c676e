// SPDX-License-Identifier: MIT

// The entry point is in C because it receives the program's arguments. The Swift runtime reads them from /proc, which
// is not mounted in a rescue shell, an initramfs or some chroots.

extern _Noreturn void vqwatch_main(int count, char **arguments);

int main(int count, char **arguments) { vqwatch_main(count, arguments); }
