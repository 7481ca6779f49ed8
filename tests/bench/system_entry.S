/* See system.h. User code has pages of its own. */
        .set DATA3, 32 | 3
        .set CODE3, 24 | 3
        .set FLAGS, 2
        .set PRESENT_WRITE_USER, 7

        .text
        .globl ring3_run, fault_skip, fault_map, call_entry, call_end
        .globl sysenter_entry, unexpected_entry
ring3_run:
        pushl %ebp
        pushl %ebx
        pushl %esi
        pushl %edi
        movl 20(%esp), %eax
        movl 24(%esp), %edi             /* the loops' counter */
        movl $0x10000000, %ebx          /* SYSTEM_WINDOW, for user_fault */
        movl %esp, resume_esp
        pushl $DATA3
        pushl $user_stack_top
        pushl $FLAGS
        pushl $CODE3
        pushl %eax
        iret
/* INT 81h of ring 3: back to where ring3_run was called. */
call_end:
        movl resume_esp, %esp
        popl %edi
        popl %esi
        popl %ebx
        popl %ebp
        ret
call_entry:
        incl system_calls
        iret
sysenter_entry:
        incl system_calls
        sysexit
fault_skip:
        addl $4, %esp                   /* the error code */
        addl $2, (%esp)
        incl system_calls
        iret
fault_map:
        pushl %eax
        pushl %ecx
        movl %cr2, %ecx
        shrl $12, %ecx
        andl $1023, %ecx
        movl %ecx, %eax
        shll $12, %eax
        addl $0x1000000 + PRESENT_WRITE_USER, %eax      /* frames from 16 MiB */
        movl %eax, system_window(, %ecx, 4)
        incl system_calls
        popl %ecx
        popl %eax
        addl $4, %esp
        iret
unexpected_entry:
        call system_unexpected

        .balign 4096
        .globl user_begin, user_end, user_int80, user_sysenter, user_fault
user_begin:
user_int80:
        int $0x80
        decl %edi
        jnz user_int80
        int $0x81
user_sysenter:
        movl %esp, %ecx
        movl $1f, %edx
0:      sysenter
1:      decl %edi
        jnz 0b
        int $0x81
user_fault:
        movl %eax, (%ebx)
        decl %edi
        jnz user_fault
        int $0x81
        .balign 4096
user_end:

        .bss
        .balign 4096
        .globl user_stack, kernel_stack_top
user_stack:
        .space 4096
user_stack_top:
        .space 4096
kernel_stack_top:
resume_esp:
        .space 4
        .section .note.GNU-stack, "", @progbits
