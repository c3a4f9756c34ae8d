/* raw_win_machine.c - what Windows says of the machine. */
/* SPDX-License-Identifier: MIT */
#include "raw_machine.h"
#include "raw_win.h"

#include <string.h>

void raw_host_name(char *name, size_t room)
{
    win_begin();
    if (gethostname(name, (int)room))
        *name = '\0';
}

bool raw_cgroup_pretend(const struct raw_cgroup_file *files, size_t count)
{
    (void)files;
    (void)count;
    return false;
}

bool raw_job_limit(int64_t bytes)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION info;
    HANDLE job = CreateJobObjectW(NULL, NULL);
    bool done;

    memset(&info, 0, sizeof info);
    info.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_JOB_MEMORY;
    info.JobMemoryLimit = (SIZE_T)bytes;
    done = job &&
           SetInformationJobObject(job, JobObjectExtendedLimitInformation,
                                   &info, sizeof info) &&
           AssignProcessToJobObject(job, GetCurrentProcess());
    memset(&info, 0, sizeof info);
    done = done &&
           QueryInformationJobObject(NULL, JobObjectExtendedLimitInformation,
                                     &info, sizeof info, NULL) &&
           info.BasicLimitInformation.LimitFlags & JOB_OBJECT_LIMIT_JOB_MEMORY;
    if (job)
        CloseHandle(job);
    return done;
}
