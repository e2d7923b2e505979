/* The limit and the gauge of the engine bench.
 *
 *   spawner bare COUNT SLOTS     starts COUNT times `/bin/sh -c true`, SLOTS at once, and keeps nothing: no engine can be
 *                                faster. Each slot is a thread that starts its shell by posix_spawn and waits for it.
 *   spawner gauge COMMAND...     runs the command and tells what it and the processes it waited for used.
 *
 * Both print one line: wall time and processor time in microseconds, peak memory of the largest process in KiB. It is a
 * C program because it has to be small: a child's peak memory starts at that of the process that spawned it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static atomic_int left;

static long long clock_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static long long time_us(struct timeval time) { return time.tv_sec * 1000000LL + time.tv_usec; }

static void report(long long wall, const struct rusage *used) {
    printf("%lld %lld %ld\n", wall, time_us(used->ru_utime) + time_us(used->ru_stime), used->ru_maxrss);
}

static void *slot(void *unused) {
    char *shell[] = {"/bin/sh", "-c", "true", NULL};
    while (atomic_fetch_sub(&left, 1) > 0) {
        pid_t child;
        int status;
        if (posix_spawn(&child, shell[0], NULL, NULL, shell, environ) != 0) exit(1);
        if (waitpid(child, &status, 0) != child || status != 0) exit(1);
    }
    return unused;
}

static int bare(int count, int slots) {
    pthread_t threads[64];
    struct rusage own, children;
    if (slots < 1 || slots > 64) return 2;
    left = count;
    long long began = clock_us();
    for (int i = 0; i < slots; i++)
        if (pthread_create(&threads[i], NULL, slot, NULL) != 0) return 1;
    for (int i = 0; i < slots; i++) pthread_join(threads[i], NULL);
    long long wall = clock_us() - began;
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &children);
    timeradd(&own.ru_utime, &children.ru_utime, &children.ru_utime);
    timeradd(&own.ru_stime, &children.ru_stime, &children.ru_stime);
    report(wall, &children);
    return 0;
}

/* What the command prints goes nowhere: a terminal or a pipe would be part of the measurement. */
static int gauge(char **command) {
    posix_spawn_file_actions_t quiet;
    struct rusage used;
    pid_t child;
    int status;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
    long long began = clock_us();
    if (posix_spawnp(&child, command[0], &quiet, NULL, command, environ) != 0) return 127;
    if (wait4(child, &status, 0, &used) != child) return 1;
    report(clock_us() - began, &used);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int count, char **words) {
    if (count == 4 && strcmp(words[1], "bare") == 0) return bare(atoi(words[2]), atoi(words[3]));
    if (count > 2 && strcmp(words[1], "gauge") == 0) return gauge(words + 2);
    return 2;
}
