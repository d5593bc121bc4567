"""What the sample world's user says of files and of git. See phrases."""

from __future__ import annotations

FRAMES: dict[str, str] = {
    "file_show": """
        show me {path}
        show {path}
        open {path}
        open the file {path}
        print {path}
        let me see {path}
        display the file {path}
        show the contents of {path}
        What is in {path}?
        What does {path} say?
        I want to see {path}
        Can I look at the file {path}?
        read {path} to me
        I'd like to view {path}
        give me a look at {path}
        I have to read {path}
        put {path} on the screen
        Could you open {path} so that I can read it?
        the contents of {path}
        What was written in the file {path}?
        I forgot what {path} says
        What are the contents of {path}?
        I'd like to know what {path} holds
        view {path}
        load {path} and show it to me
        Could {path} be shown here?
        let us read the file {path} together
        there should be some text in {path}, show it
        I can't remember the text of {path}, print it
        type out the file {path}
        give me the text of {path}
    """,
    "file_rename": """
        rename {old} to {new}
        rename the file {old} to {new}
        call the file {old} {new}
        change the name of {old} to {new}
        give {old} the name {new}
        move {old} to {new}
        rename {old} as {new}
        The file {old} should be called {new}
        {old} needs the new name {new}
        I want {old} renamed to {new}
        change the file name {old} to {new}
        make {old} into {new}
        the file {old} gets the name {new}
        let {old} be {new} from today
        {old} is a bad name, make it {new}
        I called it {old}, but it has to be {new}
        swap the name {old} for {new}
        rename: {old}, {new}
        the name {old} is wrong, it should be {new}
        I'd prefer {new} as the name of {old}
        could {old} become {new}?
        rename my {old}, the new name is {new}
        turn the file name {old} into {new}
        set the name of {old} to {new}
        from {old} to {new}, rename it
        {new} is a better name for the file {old}
        the new name is {new} and the old one is {old}
        take the file {old} and call it {new}
        Let us name {old} {new} instead
        file {old}, new name {new}
    """,
    "files_find": """
        find {pattern} in {folder}
        find files named {pattern} in {folder}
        find all {pattern} files
        search {folder} for {pattern}
        look for {pattern} in the folder {folder}
        find files that match {pattern}
        Which files in {folder} match {pattern}?
        Where are the files {pattern}?
        Are there any {pattern} files in {folder}?
        search for files called {pattern}
        locate {pattern} under {folder}
        list the files {pattern} in {folder}
        I am looking for files named {pattern}
        I need all files like {pattern} from {folder}
        Do we have {pattern} in {folder}?
        get me the files {pattern} in {folder}
        Somewhere in {folder} there is {pattern}
        look everywhere for {pattern}
        show which files match {pattern}
        go through {folder} and find {pattern}
        I can't see {pattern} in {folder}, find it
        Is {pattern} somewhere in {folder}?
        In {folder} there must be files like {pattern}, find them
        check whether {folder} has {pattern}
        all files called {pattern}, where are they?
        I lost the files {pattern}
        hunt for {pattern} in {folder}
        find everything named {pattern} below {folder}
        Could you find {pattern} for me in the folder {folder}?
        files with the name {pattern}, please find them
    """,
    "git_commit": """
        commit with the message {message}
        commit the changes with the message {message}
        commit this as {message}
        commit everything: {message}
        make a commit {message}
        make a commit with the message {message}
        git commit {message}
        commit my work with message {message}
        commit: {message}
        create a commit saying {message}
        do a commit called {message}
        commit the staged files, message {message}
        the commit message is {message}
        save my changes in git as {message}
        I am done, commit it with {message}
        git: commit with message {message}
        let the commit say {message}
        put this into a commit: {message}
        I'd like a commit with the message {message}
        Could you commit with {message}?
        I have finished, so commit: {message}
        the work is done, commit it as {message}
        commit all of it under the message {message}
        use {message} as message and commit
        write the commit {message}
        add it to git, message: {message}
        commit what is staged: {message}
        the message for the commit should be {message}
    """,
    "git_switch": """
        switch to the branch {branch}
        switch to branch {branch}
        switch to {branch}
        go to the branch {branch}
        change to branch {branch}
        git switch {branch}
        check out the branch {branch}
        I want to be on branch {branch}
        create the branch {branch} and switch to it | create=true
        make a new branch {branch} | create=true
        switch to a new branch {branch} | create=true
        start a new branch called {branch} | create=true
        create a branch {branch} | create=true
        open a new branch {branch} | create=true
        work goes on in branch {branch}
        take me over to {branch}
        use the branch {branch} from now on
        Are we on {branch}? If not, switch
        branch {branch}, please
        I have to get to the branch {branch}
        we need another branch, {branch} | create=true
        a fresh branch {branch} | create=true
        I'd like to go to the branch {branch}
        could you switch to {branch}
        move me to the branch {branch}
        we go on with the branch {branch}
        please get onto branch {branch}
        jump to branch {branch}
        let us continue on branch {branch}
        I'd like a new branch called {branch} | create=true
        add the branch {branch}, it does not exist yet | create=true
        there is no branch {branch} yet, make it | create=true
        let me have a new branch {branch} | create=true
        begin the new branch {branch} | create=true
    """,
    "git_log": """
        show the last {count} commits
        show me the last {count} commits
        list the last {count} commits
        What are the last {count} commits?
        What were the latest {count} commits?
        give me {count} commits of the log
        git log of {count} commits
        print the newest {count} commits
        I want to see the last {count} commits
        show {count} commits
        tell me the last {count} commits
        get the history of {count} commits
        the last {count} commits
        log, {count} entries
        I need {count} commits from the history
        How do the last {count} commits look?
        go back {count} commits and show them
        history of the last {count} commits
        I'd like to see {count} commits
        could you show the newest {count} commits
        Which were the last {count} commits?
        read the last {count} commits to me
        how about the last {count} commits of the log
        display {count} commits
        let me look at the last {count} commits
        what did we commit lately? Show {count} commits
        print the log with {count} entries
        I want the history, {count} commits
    """,
}
