/*
 * memcpy, memmove and memset by the processor's block instructions: on every
 * PC with fast string operations they beat newlib's non-temporal loops by far
 * for frame-sized blocks. By eight bytes, as an emulated PC does them one by
 * one. memcmp by eight bytes wherever they lie: newlib's goes byte by byte
 * unless both blocks are aligned. Linked before libc.a, so they win over its
 * own.
 */
        .text
        .globl  memcpy, memmove, memset, memcmp
        .type   memcpy, @function
        .type   memmove, @function
        .type   memset, @function
        .type   memcmp, @function

memmove:
        movq    %rdi, %rax
        subq    %rsi, %rax
        cmpq    %rdx, %rax              /* destination inside the source? */
        jae     memcpy
        movq    %rdi, %rax
        movq    %rdx, %rcx
        leaq    -1(%rdi, %rdx), %rdi
        leaq    -1(%rsi, %rdx), %rsi
        std
        rep     movsb
        cld
        ret

memcpy:
        movq    %rdi, %rax
        movq    %rdx, %rcx
        shrq    $3, %rcx
        rep     movsq
        movl    %edx, %ecx
        andl    $7, %ecx
        rep     movsb
        ret

memset:
        movq    %rdi, %r8
        movzbl  %sil, %esi
        movabsq $0x0101010101010101, %rax
        imulq   %rsi, %rax
        movq    %rdx, %rcx
        shrq    $3, %rcx
        rep     stosq
        movl    %edx, %ecx
        andl    $7, %ecx
        rep     stosb
        movq    %r8, %rax
        ret

memcmp:
1:      subq    $8, %rdx
        jb      3f
        movq    (%rdi), %rax
        movq    (%rsi), %rcx
        addq    $8, %rdi
        addq    $8, %rsi
        cmpq    %rcx, %rax
        je      1b
        bswapq  %rax                    /* the first byte counts most */
        bswapq  %rcx
        cmpq    %rcx, %rax
2:      sbbl    %eax, %eax              /* below: -1, above: 1 */
        orl     $1, %eax
        ret
3:      addq    $8, %rdx
        jz      5f
4:      movb    (%rdi), %al
        cmpb    (%rsi), %al
        jne     2b
        incq    %rdi
        incq    %rsi
        decq    %rdx
        jnz     4b
5:      xorl    %eax, %eax
        ret

        .section .note.GNU-stack, "", @progbits
