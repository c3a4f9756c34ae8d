/* machine.c - random bytes, the host's name, the memory limit: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/win.h"

#include <bcrypt.h>

#include <limits.h>
#include <string.h>

int sys_random(void *data, size_t size)
{
    unsigned char *to = data;
    while (size) {
        ULONG part = size < ULONG_MAX ? (ULONG)size : ULONG_MAX;
        if (BCryptGenRandom(NULL, to, part, BCRYPT_USE_SYSTEM_PREFERRED_RNG))
            return error_from_os(ERROR_GEN_FAILURE); /* an NTSTATUS */
        to += part;
        size -= part;
    }
    return 0;
}

int sys_host_name(char *name, size_t room)
{
    wchar_t wide[256];
    char text[3 * 256];
    DWORD units = sizeof wide / sizeof *wide;
    if (!GetComputerNameExW(ComputerNameDnsHostname, wide, &units))
        return error_from_os(GetLastError());
    int size = WideCharToMultiByte(CP_UTF8, 0, wide, (int)units, text,
                                   (int)sizeof text, NULL, NULL);
    if (size <= 0)
        return error_from_os(GetLastError());
    if ((size_t)size >= room) {
        error_no_os();
        return RONDO_ETOOMUCH;
    }
    memcpy(name, text, (size_t)size);
    return size;
}

/* Of the job object that the process is in, if it is in one. */
int64_t sys_memory_limit(void)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION info;
    BOOL in_job = FALSE;
    memset(&info, 0, sizeof info);
    if (!IsProcessInJob(GetCurrentProcess(), NULL, &in_job))
        return error_from_os(GetLastError());
    if (in_job &&
        !QueryInformationJobObject(NULL, JobObjectExtendedLimitInformation,
                                   &info, sizeof info, NULL))
        return error_from_os(GetLastError());
    int64_t least = INT64_MAX;
    DWORD flags = info.BasicLimitInformation.LimitFlags;
    if (flags & JOB_OBJECT_LIMIT_PROCESS_MEMORY)
        least = (int64_t)info.ProcessMemoryLimit;
    if (flags & JOB_OBJECT_LIMIT_JOB_MEMORY &&
        (int64_t)info.JobMemoryLimit < least)
        least = (int64_t)info.JobMemoryLimit;
    return least;
}
#endif
